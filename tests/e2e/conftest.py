"""Homes for whole runs, with nothing left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.running_up import Up
from embedded_servers import remove_scope


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a space in its path, which every user may pass through, as pytest's own may not be."""
    directory = Path(tempfile.mkdtemp(prefix="wk up ")).resolve()
    directory.chmod(0o711)
    yield directory / "home"
    if (place := directory / "home" / "database").exists():
        remove_scope(place)
    shutil.rmtree(directory)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Up]]:
    """Start `up` without the example, on a free port unless told otherwise."""
    started: list[Up] = []

    def begin(*arguments: str, **more: str) -> Up:
        up = Up(home, "--no-example", *(arguments or ("--port", "0")), **more)
        started.append(up)
        return up

    yield begin
    for up in started:
        up.destroy()
