"""A way to the database that can be cut as a network is: nothing arrives any more, and nobody is told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Self

CHUNK_BYTES = 64 * 1024


class Network:
    """Passes bytes on between a socket of its own and the server's."""

    def __init__(self, server_socket: Path, own_directory: Path) -> None:
        self._server = server_socket
        self.directory = own_directory
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.directory.mkdir()
        self._listener = await asyncio.start_unix_server(self._joined, self.directory / self._server.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._flows.set()

    async def _joined(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_unix_connection(self._server)
        for source, target in ((near_in, far_out), (far_in, near_out)):
            task = asyncio.create_task(self._passed_on(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _passed_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        # Either end may go at any time; the other learns of it by the closed socket.
        with suppress(ConnectionError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flows.wait()
                target.write(chunk)
                await target.drain()
        target.close()
