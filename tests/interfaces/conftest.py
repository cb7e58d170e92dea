"""What the tests of the interfaces share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from foreign_site import Site, foreign_site
from interfaces.api_client import Api, serving
from interfaces.chat_platforms import Apis, platform_apis
from interfaces.chat_room import Room, with_chats
from interfaces.contract_program import Program
from interfaces.contract_server import ContractServer
from watchkeeper.app.whole import App


@pytest.fixture
def contract() -> Iterator[ContractServer]:
    """A scripted server that speaks the worker routes."""
    server = ContractServer()
    yield server
    server.stop()


@pytest.fixture
def program(contract: ContractServer, tmp_path: Path) -> Program:
    """The contract CLI of one worker, pointed at the scripted server."""
    return Program(tmp_path / "home", contract)


@pytest.fixture
async def api(app: App) -> AsyncIterator[Api]:
    """The HTTP API over this test's database, as callers of each role see it."""
    async with serving(app) as api:
        yield api


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site on a foreign address that publishes what a test puts there."""
    async with foreign_site() as site:
        yield site


@pytest.fixture
def apis() -> Iterator[Apis]:
    """The APIs of LINE, Telegram and Slack, on this machine."""
    with platform_apis() as apis:
        yield apis


@pytest.fixture
async def room(app: App, apis: Apis) -> AsyncIterator[Room]:
    """A project with an open door for each platform, answered by those APIs."""
    async with serving(with_chats(app, apis)) as api:
        yield await Room.opened(api, apis)
