"""A web site on loopback, as an agent publishes to one: its pages can be swapped, taken away and held back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Page:
    body: bytes
    media_type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """What stands where; a path in `held` answers when its event is set."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answering: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, path: str, body: str, media_type: str = "text/html", status: int = 200) -> str:
        """Publish a page and give its address."""
        self.pages[path] = Page(body.encode(), media_type, status)
        return f"http://{self.host}{path}"

    def redirect(self, path: str, to: str) -> str:
        self.pages[path] = Page(b"", status=302, headers={"Location": to})
        return f"http://{self.host}{path}"

    def index(self, path: str, *names: str) -> str:
        """Publish a directory index that lists these names."""
        links = "".join(f'<a href="{name}">{name}</a>\n' for name in names)
        title = f"Index of {path}"
        return self.put(
            path, f"<html><head><title>{title}</title></head><h1>{title}</h1><pre>{links}</pre></html>"
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.answering.add(task)
        try:
            # The asker is gone, or the test is over.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self.answering.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        self.asked.append(path)
        self.reached.set()
        if (event := self.held.get(path)) is not None:
            await event.wait()
        page = self.pages.get(path, Page(b"no such page", "text/plain", 404))
        headers = {"Content-Type": page.media_type, "Content-Length": len(page.body), **page.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {page.status} So\r\n{lines}Connection: close\r\n\r\n".encode() + page.body)
        await writer.drain()


@asynccontextmanager
async def foreign_site() -> AsyncIterator[Site]:
    """Serve a site until the block ends."""
    site = Site(0)
    server = await asyncio.start_server(site._serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(site.answering):
            task.cancel()
        if site.answering:
            await asyncio.wait(site.answering)
        await server.wait_closed()
