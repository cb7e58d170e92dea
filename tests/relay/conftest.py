"""A place that agents of another user can enter, and a site that results are published to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.living import remove_scopes
from foreign_site import Site, foreign_site
from relay.scenes import Scene

Scenes = Callable[..., Scene]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with foreign_site() as site:
        yield site


@pytest.fixture
def scenes(site: Site) -> Iterator[Scenes]:
    """Makes scenes; in the end nothing of theirs is left."""
    directory = Path(tempfile.mkdtemp(prefix="wk-helper-")).resolve()
    directory.chmod(0o755)
    made: list[Scene] = []

    def make(
        work: str | None = "", config: dict[str, Any] | None = None, first: Any = None, **plan: Any
    ) -> Scene:
        acts = {
            name.replace("_", "-"): each if isinstance(each, list) else [each] for name, each in plan.items()
        }
        more = {} if work == "" else {"work": work}
        scene = Scene(directory / str(len(made)), site, acts, first or {}, config=config or {}, **more)
        made.append(scene)
        return scene

    yield make
    for scene in made:
        remove_scopes(scene.home)
    shutil.rmtree(directory)
