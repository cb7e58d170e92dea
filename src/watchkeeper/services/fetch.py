"""The fetcher: opens foreign addresses for the gate, under one deadline and one budget for all files of a check.

Each address on the way is vetted (services/fetch_vetting.py) and connected to as it was vetted
(services/fetch_connection.py, imported at the first fetch: workers that never fetch do without its client). No proxy of
the environment, no .netrc and no cookies are heeded.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from watchkeeper.domain.allowed_hosts import AllowedHost, OwnListeners
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.services.fetch_vetting import LOOK_UPS_AT_ONCE, Resolver, SystemResolver, Vetting
from watchkeeper.services.fetched import Fetched, FetchRefusedError, Redirect
from watchkeeper.services.fetched_body import BodyFile, Budget
from watchkeeper.services.stored_evidence import decode_text

if TYPE_CHECKING:
    from watchkeeper.services.fetch_connection import Answer

__all__ = ["FetchConfig", "FetchRefusedError", "Fetched", "Fetcher", "Fetching", "Redirect"]

T = TypeVar("T")

MIB = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEPT_OF_A_FAILURE = 64 * 1024
"""Of an answer other than 200 this much is kept, for people to look at."""

LIST_BYTES = 4 * MIB
"""A page that is longer lists no files."""


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How far fetching goes. Redirects are counted for each address; time and bytes for all of one check together."""

    redirects: int = 5
    seconds: float = 60.0
    bytes: int = 256 * MIB
    allowed: tuple[AllowedHost, ...] = ()
    own: Callable[[], OwnListeners] = OwnListeners
    resolve: Resolver | None = None
    tls: ssl.SSLContext | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.redirects < 0 or self.seconds <= 0 or self.bytes < 1:
            raise ValueError("a fetch needs time and bytes")


class Fetcher:
    """Starts fetchings; one for a whole process."""

    def __init__(self, config: FetchConfig | None = None) -> None:
        self._config = config or FetchConfig()
        self._resolve = self._config.resolve or SystemResolver()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        from httpcore2 import default_ssl_context

        return self._config.tls or default_ssl_context()

    @asynccontextmanager
    async def begin(self, project_id: str = "") -> AsyncIterator[Fetching]:
        """Begin one check of a project: its clock runs from here, and its files are gone at the end."""
        folder = Path(tempfile.mkdtemp(prefix="watchkeeper-", dir=self._config.folder))
        try:
            turns = self._turns.setdefault(project_id, asyncio.Semaphore(LOOK_UPS_AT_ONCE))
            vetting = Vetting(self._resolve, turns, self._config.allowed, self._config.own())
            yield Fetching(self._config, vetting, self._tls, folder)
        finally:
            await _to_its_end(shutil.rmtree, folder, True)


class Fetching:
    """The fetching for one check; several files may be got at the same time."""

    def __init__(self, config: FetchConfig, vetting: Vetting, tls: ssl.SSLContext, folder: Path) -> None:
        self._config = config
        self._vetting = vetting
        self._tls = tls
        self._folder = folder
        self._budget = Budget(config.bytes)
        self._deadline = asyncio.get_running_loop().time() + config.seconds
        self._numbers = count()

    async def get(self, url: str) -> Fetched:
        """Fetch an address, following redirects; raise FetchRefusedError where there is no answer to judge.

        An answer other than 200 is an answer.
        """
        return await self._before_deadline(self._follow(url))

    async def text(self, page: Fetched) -> str | None:
        """Read a body as text; None where it is none, or longer than a page that lists files."""
        if page.bytes > LIST_BYTES:
            return None
        return await self.in_time(lambda: decode_text(page.body.read_bytes()))

    async def in_time(self, step: Callable[..., T], *arguments: object) -> T:
        """Run a step that takes a while on a thread, under the deadline of this check."""
        return await self._before_deadline(asyncio.to_thread(step, *arguments))

    async def _before_deadline(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await work
        except TimeoutError:
            raise FetchRefusedError(
                GateCheck.TIMEOUT, f"not all could be opened in {self._config.seconds:g} seconds"
            ) from None

    async def _follow(self, asked: str) -> Fetched:
        from watchkeeper.services.fetch_connection import ask

        url = _vetted(lambda: ForeignUrl.parse(asked))
        steps: list[Redirect] = []
        while True:
            async with ask(url, await self._vetting.addresses(url), self._tls) as answer:
                location = answer.header("location") if answer.status in REDIRECTS else None
                if location is None:
                    return await self._keep(asked, url, tuple(steps), answer)
                status = answer.status
            steps.append(Redirect(status, str(url)))
            if len(steps) > self._config.redirects:
                raise FetchRefusedError(
                    GateCheck.HTTP_STATUS, f"it goes on redirecting after {self._config.redirects} redirects"
                )
            url = self._next(url, location)

    def _next(self, url: ForeignUrl, location: str) -> ForeignUrl:
        following = _vetted(lambda: url.join(location))
        if url.scheme == "https" and following.scheme != "https":
            raise FetchRefusedError(
                GateCheck.REFUSED_ADDRESS, f"{url.authority} redirects from https to http"
            )
        return following

    async def _keep(
        self, asked: str, url: ForeignUrl, steps: tuple[Redirect, ...], answer: Answer
    ) -> Fetched:
        is_page = answer.status == 200
        path = self._folder / f"{next(self._numbers):05}"
        encoding = encoding_of(answer)
        body = BodyFile(path, self._budget, encoding, None if is_page else KEPT_OF_A_FAILURE)
        try:
            if is_page:
                self._refuse_too_long(answer)
            async with aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    await _to_its_end(body.take, chunk)
                    if body.is_full:
                        break
            await _to_its_end(body.finish)
        except FetchRefusedError as refused:
            # Of another answer the status is what counts, and of its page there is what there is.
            if is_page or refused.check is not GateCheck.FILE_UNREADABLE:
                raise
        finally:
            body.close()
        media_type = (answer.header("content-type") or "").partition(";")[0].strip().lower()
        return Fetched(
            asked, str(url), answer.status, steps, media_type or None, path, body.bytes, body.sha256
        )

    def _refuse_too_long(self, answer: Answer) -> None:
        length = answer.header("content-length")
        if length is not None and length.isdecimal() and int(length) > self._budget.left:
            raise self._budget.exceeded()


def encoding_of(answer: Answer) -> str | None:
    """Give what an answer's body is compressed with; raise FetchRefusedError where a 200 cannot be unfolded."""
    named = (answer.header("content-encoding") or "").lower().split(",")
    encodings = [name.strip().removeprefix("x-") for name in named if name.strip() not in ("", "identity")]
    if not encodings or encodings in (["gzip"], ["deflate"]):
        return encodings[0] if encodings else None
    if answer.status != 200:
        return None
    detail = f"it is encoded as {', '.join(encodings)[:60]}; asked for was gzip or deflate"
    raise FetchRefusedError(GateCheck.FILE_UNREADABLE, detail)


def _vetted(read: Callable[[], ForeignUrl]) -> ForeignUrl:
    try:
        return read()
    except AddressRefused as refused:
        raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, str(refused)) from None


async def _to_its_end(step: Callable[..., T], *arguments: object) -> T:
    """Run a short blocking step on a thread; when cancelled, let it end first, so that it never races the tidying."""
    running = asyncio.ensure_future(asyncio.to_thread(step, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        running.exception()  # looked at, so that nobody is told of it: who cancelled does not care
        raise
