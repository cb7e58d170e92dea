"""A foreign server on loopback that answers as a test wants, and a fetcher that may ask it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.services.fetch import FetchConfig, Fetched, Fetcher, FetchRefusedError

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    target: str
    headers: dict[str, str]


@dataclass
class ForeignServer:
    """What a server was asked, and where it is."""

    host: str
    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


@asynccontextmanager
async def serving(
    handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[ForeignServer]:
    """Serve one request a connection, until the block ends; who still writes then is cut off."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                found.requests.append(parsed(await reader.readuntil(b"\r\n\r\n")))
                await handler(found.requests[-1], writer)
                await writer.drain()
        finally:
            tasks.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    found = ForeignServer(host, server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await server.wait_closed()


def parsed(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    return Request(first.split(" ")[1], {name.lower(): value for name, value in headers.items()})


def answer(body: bytes = b"", status: int = 200, /, **headers: str) -> bytes:
    """Write an answer with the length of its body; `content_type` is the header Content-Type."""
    named = {"content-length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body


def always(raw: bytes) -> Handler:
    """Answer these bytes to everything."""

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return handler


def pages(by_target: dict[str, bytes]) -> Handler:
    """Answer by target, 404 for others."""

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(by_target.get(request.target, answer(b"no such page", 404)))

    return handler


def fetcher(
    *allowed: str,
    names: dict[str, Sequence[str]] | None = None,
    seconds: float = 30.0,
    bytes: int = 1024 * 1024,  # noqa: A002 - as the config calls it
    tls: ssl.SSLContext | None = None,
) -> Fetcher:
    """Make a fetcher that may ask these hosts and knows the addresses of these names, and of no others."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in (names or {}):
            raise OSError(f"{host} is unknown")
        return (names or {})[host]

    hosts = tuple(AllowedHost.parse(host) for host in allowed)
    return Fetcher(FetchConfig(allowed=hosts, resolve=resolve, seconds=seconds, bytes=bytes, tls=tls))


async def got(asking: Fetcher, url: str) -> tuple[Fetched, bytes]:
    """Fetch one address in a check of its own, with its body."""
    async with asking.begin() as fetching:
        fetched = await fetching.get(url)
        return fetched, fetched.body.read_bytes()


async def refused(asking: Fetcher, url: str) -> FetchRefusedError:
    """Fetch one address that must be refused, and give the refusal."""
    async with asking.begin() as fetching:
        with pytest.raises(FetchRefusedError) as refusal:
            await fetching.get(url)
    assert refusal.value.detail
    return refusal.value
