"""A foreign answer is kept as it came, or named for what is wrong with it."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from pathlib import Path

import pytest

from services.foreign_server import always, answer, fetcher, got, pages, refused, serving
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.services.fetch import FetchConfig, Fetcher, Redirect

ANYWHERE = ("127.0.0.1",)
KIB, MIB = 1024, 1024 * 1024


async def test_an_answer_is_kept_with_its_hash() -> None:
    """A page is kept byte for byte in a file that nobody else reads, with its hash, size and media type."""
    body = os.urandom(300 * KIB)
    async with serving(always(answer(body, content_type="Text/HTML; charset=utf-8"))) as server:
        async with fetcher(*ANYWHERE).begin() as fetching:
            fetched = await fetching.get(server.url("/a?b#c"))
            assert fetched.body.read_bytes() == body
            assert (fetched.bytes, fetched.sha256) == (len(body), hashlib.sha256(body).hexdigest())
            assert (fetched.status, fetched.media_type, fetched.redirects) == (200, "text/html", ())
            assert fetched.url == fetched.asked_url == server.url("/a?b#c")
            assert stat.S_IMODE(fetched.body.stat().st_mode) == 0o600
            assert stat.S_IMODE(fetched.body.parent.stat().st_mode) == 0o700
        assert not fetched.body.parent.exists()
        assert server.targets == ["/a?b"]


async def test_nothing_is_left_when_a_check_breaks_off(tmp_path: Path) -> None:
    """What was fetched is gone after a check that failed."""
    asking = Fetcher(FetchConfig(allowed=(AllowedHost.parse("127.0.0.1"),), folder=tmp_path))

    async def failing(url: str) -> None:
        async with asking.begin() as fetching:
            await fetching.get(url)
            assert len(os.listdir(tmp_path)) == 1  # noqa: PTH208
            raise ZeroDivisionError

    async with serving(always(answer(b"x"))) as server:
        with pytest.raises(ZeroDivisionError):
            await failing(server.url())
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize("status", [204, 206, 300, 304, 401, 404, 410, 500, 503])
async def test_another_status_is_an_answer(status: int) -> None:
    """An answer other than 200 is given as it is, with the beginning of its page."""
    body = b"" if status in (204, 304) else b"x" * (200 * KIB)
    async with serving(always(answer(body, status))) as server:
        fetched, kept = await got(fetcher(*ANYWHERE), server.url())
        assert (fetched.status, kept) == (status, body[: 64 * KIB])
        assert fetched.sha256 == hashlib.sha256(kept).hexdigest()


async def test_a_failure_with_a_broken_page_stays_a_failure() -> None:
    """Of a 404 the status counts, though its page breaks off or is no gzip."""
    broken = b"HTTP/1.1 404 So\r\nContent-Length: 99\r\nContent-Encoding: gzip\r\n\r\nnot gzip"
    for raw in (
        broken,
        broken.replace(b"Content-Encoding: gzip\r\n", b""),
        broken.replace(b"gzip\r", b"br\r"),
    ):
        async with serving(always(raw)) as server:
            assert (await got(fetcher(*ANYWHERE), server.url()))[0].status == 404


async def test_redirects_are_followed_and_recorded() -> None:
    """Five redirects of every kind are followed, each is recorded with its status, and no cookie is sent back."""
    statuses = [301, 302, 303, 307, 308]
    steps = {
        f"/{place}": answer(b"", status, location=f"{place + 1}", set_cookie="a=b")
        for place, status in enumerate(statuses)
    }
    async with serving(pages({**steps, "/5": answer(b"there")})) as server:
        fetched, body = await got(fetcher(*ANYWHERE), server.url("/0#part"))
        assert body == b"there"
        assert fetched.url == server.url("/5#part")
        assert fetched.redirects == tuple(
            Redirect(status, server.url(f"/{place}#part")) for place, status in enumerate(statuses)
        )
        assert not any("cookie" in request.headers for request in server.requests)


async def test_a_redirect_loop_ends() -> None:
    """An address that goes on redirecting is given up after five redirects."""
    async with serving(always(answer(b"", 302, location="/"))) as server:
        error = await refused(fetcher(*ANYWHERE), server.url())
        assert error.check is GateCheck.HTTP_STATUS
        assert "5 redirects" in error.detail
        assert server.connections == 6


async def test_a_redirect_that_says_nowhere_is_an_answer() -> None:
    """A redirect without a place to go to is an answer with its status."""
    async with serving(always(answer(b"", 302))) as server:
        assert (await got(fetcher(*ANYWHERE), server.url()))[0].status == 302


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "raw deflate", "identity", "two members"])
async def test_a_compressed_page_is_unfolded(encoding: str) -> None:
    """gzip, in one member or several, and deflate in both of its forms are undone; the hash is of the page itself."""
    page = b"<h1>Page</h1>" * 100_000
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "identity": page,
        "deflate": zlib.compress(page),
        "raw deflate": raw.compress(page) + raw.flush(),
        "two members": gzip.compress(page[:1000]) + gzip.compress(page[1000:]),
    }.get(encoding, gzip.compress(page))
    named = {"raw deflate": "deflate", "two members": "gzip"}.get(encoding, encoding)
    async with serving(always(answer(packed, content_encoding=named))) as server:
        fetched, body = await got(fetcher(*ANYWHERE, bytes=len(page)), server.url())
        assert body == page
        assert fetched.sha256 == hashlib.sha256(page).hexdigest()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"page" * 1000)[:-9], "gzip"),
        (gzip.compress(b"page") + b"more", "gzip"),
        (zlib.compress(b"page") + b"more", "deflate"),
        (b"no gzip", "gzip"),
        (b"x", "deflate"),
        (gzip.compress(gzip.compress(b"page")), "gzip, gzip"),
        (b"page", "br"),
        (b"page", "zstd"),
    ],
    ids=["cut", "gzip and more", "deflate and more", "no gzip", "one byte", "nested", "br", "zstd"],
)
async def test_broken_or_nested_compression_is_unreadable(body: bytes, encoding: str) -> None:
    """A page whose compression is cut off, broken, nested or not what was asked for cannot be judged."""
    async with serving(always(answer(body, content_encoding=encoding))) as server:
        assert (await refused(fetcher(*ANYWHERE), server.url())).check is GateCheck.FILE_UNREADABLE


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 So\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
    ],
    ids=["a short body", "a missing chunk", "a broken chunk"],
)
async def test_a_page_that_breaks_off_is_unreadable(raw: bytes) -> None:
    """A page of which a part is missing never counts as the page."""
    async with serving(always(raw)) as server:
        assert (await refused(fetcher(*ANYWHERE), server.url())).check is GateCheck.FILE_UNREADABLE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 So\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 So\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 100) for n in range(2000)) + b"\r\n",
        b"HTTP/1.1 200 So\r\nX: " + b"y" * 500_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
    ids=[
        "nothing",
        "half a line",
        "another protocol",
        "two lengths",
        "many headers",
        "a huge header",
        "an upgrade",
    ],
)
async def test_what_is_no_answer_does_not_count_as_one(raw: bytes) -> None:
    """A server that hangs up, speaks another protocol or sends headers without end did not answer."""
    async with serving(always(raw)) as server:
        assert (await refused(fetcher(*ANYWHERE), server.url())).check is GateCheck.HTTP_STATUS
