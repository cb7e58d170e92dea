"""One server over planted data and one Chromium, for all tests of this folder that one process runs."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from browser.chromium import PROGRAM, chromium
from browser.site import Site, console_site
from conftest import TestServer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(server: TestServer) -> AsyncIterator[Site]:
    """The console over planted data, served by a process of its own."""
    if PROGRAM is None:
        pytest.skip("needs Chromium: scripts/system-packages")
    with server.database() as url, tempfile.TemporaryDirectory(prefix="wk-console-") as home:
        async with console_site(url, Path(home)) as site:
            yield site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all."""
    if PROGRAM is None:
        pytest.skip("needs Chromium: scripts/system-packages")
    async with chromium() as browser:
        yield browser
