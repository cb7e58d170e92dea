"""What the tests of the services share."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import TestServer
from services.backups import Before, at, prepared
from watchkeeper.app.whole import App


@pytest.fixture
def empty_url(server: TestServer) -> Iterator[str]:
    """A database without anything, to restore into."""
    with server.database(empty=True) as url:
        yield url


@pytest.fixture(scope="session")
def kept(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Before:
    """A backup that is taken once for all the tests that restore it."""
    place = tmp_path_factory.mktemp("kept")

    async def take(url: str) -> Before:
        async with at(url, place / "home") as app:
            await app.kinds.ensure_project("p")
            return await prepared(app, place / "backup")

    with server.database() as url:
        return asyncio.run(take(url))


@pytest.fixture
def before(kept: Before, tmp_path: Path) -> Before:
    """A copy of that backup, for this test to do with as it likes."""
    shutil.copytree(kept.path, tmp_path / "backup")
    return replace(kept, path=tmp_path / "backup")


@pytest.fixture
async def living(app: App, tmp_path: Path) -> Before:
    """A backup of this test's own database, where work goes on."""
    return await prepared(app, tmp_path / "backup")
