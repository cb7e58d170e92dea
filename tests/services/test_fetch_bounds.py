"""What is fetched is kept within the bounds of size and time that a check has."""

from __future__ import annotations

import asyncio
import gzip
import socket
import tracemalloc
import zlib
from pathlib import Path

import pytest

from services.foreign_server import Request, always, answer, fetcher, got, refused, serving
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.services.fetch import FetchConfig, Fetcher, FetchRefusedError

ANYWHERE = ("127.0.0.1",)
KIB, MIB = 1024, 1024 * 1024


async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 So\r\n\r\n")
    while True:
        writer.write(b"x" * 64 * KIB)
        await writer.drain()


async def test_an_endless_body_is_too_large() -> None:
    """A body that never ends is cut off at the limit, and no more than that was kept."""
    async with serving(endless) as server:
        error = await refused(fetcher(*ANYWHERE, bytes=2 * MIB), server.url())
        assert error.check is GateCheck.TOO_LARGE
        assert str(2 * MIB) in error.detail


async def test_a_length_over_the_limit_is_refused_at_once() -> None:
    """A server that announces more than the limit is not read at all."""
    head = b"HTTP/1.1 200 So\r\nContent-Length: 99999999\r\n\r\n"
    async with serving(always(head)) as server:
        assert (await refused(fetcher(*ANYWHERE), server.url())).check is GateCheck.TOO_LARGE


async def test_the_limit_holds_for_all_files_of_a_check_together() -> None:
    """Files that fit one by one do not when the check opens more than its limit in all; the next check begins anew."""
    async with serving(always(answer(b"x" * 400 * KIB))) as server:
        asking = fetcher(*ANYWHERE)
        async with asking.begin() as fetching:
            await asyncio.gather(*(fetching.get(server.url()) for _ in range(2)))
            with pytest.raises(FetchRefusedError) as refusal:
                await fetching.get(server.url())
            assert refusal.value.check is GateCheck.TOO_LARGE
        assert (await got(asking, server.url()))[0].bytes == 400 * KIB


@pytest.mark.parametrize("members", [1, 64])
async def test_a_gzip_bomb_takes_neither_memory_nor_disk(members: int, tmp_path: Path) -> None:
    """64 MiB packed into 64 KiB are given up at the limit of 8 MiB; memory stays far below, and nothing is left."""
    bomb = gzip.compress(bytes(64 * MIB // members)) * members
    assert len(bomb) < 100 * KIB
    async with serving(always(answer(bomb, content_encoding="gzip"))) as server:
        asking = fetcher(*ANYWHERE, bytes=8 * MIB)
        tracemalloc.start()
        try:
            error = await refused(asking, server.url())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert error.check is GateCheck.TOO_LARGE
    assert peak < 4 * MIB


async def test_a_compressed_stream_that_unfolds_to_nothing_ends_too() -> None:
    """Compressed data without content is charged for what it takes on the way."""
    packer = zlib.compressobj(wbits=31)
    begin = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 So\r\nContent-Encoding: gzip\r\n\r\n" + begin)
        while True:
            writer.write(b"\x00\x00\x00\xff\xff" * 10_000)
            await writer.drain()

    async with serving(handler) as server:
        assert (await refused(fetcher(*ANYWHERE), server.url())).check is GateCheck.TOO_LARGE


@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 So\r\nX: y\r\n", b"HTTP/1.1 200 So\r\nContent-Length: 9\r\n\r\nhalf"],
    ids=["silence", "half a line", "half a head", "half a body"],
)
async def test_a_silent_server_ends_at_the_deadline(begin: bytes) -> None:
    """A server that falls silent, wherever it does, is given up when the check's time is over."""

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        await asyncio.Event().wait()

    async with serving(handler) as server:
        error = await refused(fetcher(*ANYWHERE, seconds=0.2), server.url())
        assert error.check is GateCheck.TIMEOUT
        assert "0.2 seconds" in error.detail


@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n"], ids=["head", "body"]
)
async def test_a_slow_drip_ends_at_the_deadline(begin: bytes) -> None:
    """A server that always sends a little more, a header or a byte, is given up when the check's time is over."""
    drop = b"1\r\nx\r\n" if begin else b"HTTP/1.1 102 Processing\r\n\r\n"

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(handler) as server:
        error = await refused(fetcher(*ANYWHERE, seconds=0.3, bytes=256 * MIB), server.url())
        assert error.check is GateCheck.TIMEOUT


async def test_a_slow_resolver_and_a_silent_handshake_end_at_the_deadline() -> None:
    """Time is also over while a name is looked up, and while a server does not go on with TLS."""

    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    asking = Fetcher(FetchConfig(resolve=never, seconds=0.2))
    assert (await refused(asking, "http://example.org/")).check is GateCheck.TIMEOUT
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await refused(
            fetcher(*ANYWHERE, seconds=0.2), f"https://127.0.0.1:{silent.getsockname()[1]}/"
        )
        assert error.check is GateCheck.TIMEOUT


async def test_names_without_an_answer_hold_up_no_other_project() -> None:
    """However many names of one project are never answered, two look-ups go on, and another project's check opens."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        if host.startswith("tarpit"):
            await asyncio.Event().wait()
        return ["127.0.0.1"]

    async with serving(always(answer(b"x"))) as server:
        allowed = (AllowedHost.parse("127.0.0.1"), AllowedHost.parse("good.example.org"))
        asking = Fetcher(FetchConfig(allowed=allowed, resolve=resolve, seconds=0.2))
        for check in range(3):
            async with asking.begin("greedy") as fetching:
                urls = [f"http://tarpit-{check}-{number}.example.org/" for number in range(10)]
                ends = await asyncio.gather(*map(fetching.get, urls), return_exceptions=True)
            assert {end.check for end in ends if isinstance(end, FetchRefusedError)} == {GateCheck.TIMEOUT}
        assert len(asked) == 2
        fetched, _ = await got(asking, server.url().replace("127.0.0.1", "good.example.org"))
        assert fetched.status == 200


async def test_time_is_shared_by_all_files_of_a_check() -> None:
    """A check whose time is over opens no further file, however quick that would be."""

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/slow":
            await asyncio.Event().wait()
        writer.write(answer(b"quick"))

    async with serving(handler) as server, fetcher(*ANYWHERE, seconds=0.2).begin() as fetching:
        for path in ("/slow", "/quick"):
            with pytest.raises(FetchRefusedError) as refusal:
                await fetching.get(server.url(path))
            assert refusal.value.check is GateCheck.TIMEOUT
