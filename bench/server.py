"""The PostgreSQL that both peers use: an embedded server of the run's own, or one that was named."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from watchkeeper.storage import binaries
from watchkeeper.storage.embedded import EmbeddedServer


@dataclass(frozen=True, slots=True)
class Server:
    """Makes databases and removes them; `url` is of a user that may create some."""

    url: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Lend a new, empty database by its URL."""
        name = f"bench_{os.getpid()}_{next(self._numbers)}"
        await execute(self.url, f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        finally:
            await execute(self.url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def embedded(directory: Path) -> Iterator[Server]:
    """Run the product's own server, with its own settings, below a directory; it ends with the block."""
    server = EmbeddedServer(
        directory / "database", binaries=binaries.find(), state_root=directory / "state", linger_seconds=1.0
    )
    with server.user(stop_when_last=True):
        server.start()
        yield Server(server.admin_url())


async def execute(url: str, statement: str, *arguments: object) -> None:
    """Run a statement on a connection of its own, outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def value(url: str, statement: str, *arguments: object) -> object:
    """Give the first column of the first row."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def row(url: str, statement: str, *arguments: object) -> dict[str, Any]:
    """Give the one row of a statement."""
    connection = await asyncpg.connect(url)
    try:
        return dict(await connection.fetchrow(statement, *arguments))
    finally:
        await connection.close()


async def settle(url: str) -> None:
    """Bring a filled database to rest: statistics made, dead rows gone, pages written."""
    await execute(url, "VACUUM (ANALYZE)")
    await execute(url, "CHECKPOINT")


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")
