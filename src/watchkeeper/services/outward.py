"""One request to an address that a person named, which may be anybody's: vetted, dialled as vetted, in bounded time."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.services.fetch import FetchConfig, FetchRefusedError
from watchkeeper.services.fetch_vetting import LOOK_UPS_AT_ONCE, SystemResolver, Vetting

if TYPE_CHECKING:
    from watchkeeper.services.fetch_connection import Sent

SECONDS = 10.0
MAX_ANSWER_BYTES = 256 * 1024
LOOK_UP_THREADS = 2


class NoAnswer(Exception):
    """There was no answer. `is_refused`: the address is one that we never ask; the text names no path."""

    def __init__(self, detail: str, *, is_refused: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of an API: its status, its headers by names in lower case, and what its body says in JSON."""

    status: int
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def retry_after(self) -> float | None:
        """Give in how many seconds we may ask again, where it says a number."""
        try:
            return max(0.0, min(86_400.0, float(self.headers.get("retry-after", ""))))
        except ValueError:
            return None


class Outward:
    """Sends requests under the same rules as the gate's fetches; redirects are not followed."""

    def __init__(self, config: FetchConfig, seconds: float = SECONDS) -> None:
        self._config = config
        self._seconds = seconds
        self._turns = asyncio.Semaphore(LOOK_UPS_AT_ONCE)

    @cached_property
    def _resolver(self) -> SystemResolver:
        return SystemResolver(LOOK_UP_THREADS)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        from httpcore2 import default_ssl_context

        return self._config.tls or default_ssl_context()

    async def ask(self, url: str, sent: Sent | None = None) -> int:
        """Send one request and give the status of its answer; raise NoAnswer where there is none."""
        from watchkeeper.services.fetch_connection import GET, ask

        async with self._refusals(), asyncio.timeout(self._seconds):
            target = ForeignUrl.parse(url)
            addresses = await self._vetting().addresses(target)
            async with ask(target, addresses, self.tls, sent or GET) as answer:
                return answer.status

    async def talk(self, url: str, sent: Sent) -> Answered:
        """Send one request to an API and read its answer, of which only so much counts; raise NoAnswer."""
        from watchkeeper.services.fetch_connection import ask

        async with self._refusals(), asyncio.timeout(self._seconds):
            target = ForeignUrl.parse(url)
            addresses = await self._vetting().addresses(target)
            async with ask(target, addresses, self.tls, sent) as answer:
                body = b""
                async for chunk in answer.chunks():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise NoAnswer(f"{target.authority} answered more than {MAX_ANSWER_BYTES} bytes")
                return Answered(answer.status, dict(answer.headers), _document(body))

    async def socket(self, host: str, port: int) -> socket.socket:
        """Connect to a server that speaks no HTTP, as vetted; raise NoAnswer. Who asks closes it."""
        async with self._refusals(), asyncio.timeout(self._seconds):
            addresses = await self._vetting().addresses(ForeignUrl.parse(f"http://{host}:{port}/"))
            failure: OSError | None = None
            for address in addresses:
                family = socket.AF_INET if address.version == 4 else socket.AF_INET6
                dialled = socket.socket(family, socket.SOCK_STREAM)
                dialled.setblocking(False)
                try:
                    await asyncio.get_running_loop().sock_connect(dialled, (str(address), port))
                except OSError as error:
                    dialled.close()
                    failure = error
                except asyncio.CancelledError:
                    dialled.close()
                    raise
                else:
                    return dialled
            raise NoAnswer(f"{host} does not answer: {failure}")

    async def vet(self, url: str) -> None:
        """Look whether a request would be sent at all; raise NoAnswer where not, `is_refused` where it never would."""
        async with self._refusals(), asyncio.timeout(self._seconds):
            await self._vetting().addresses(ForeignUrl.parse(url))

    def _vetting(self) -> Vetting:
        resolve = self._config.resolve or self._resolver
        return Vetting(resolve, self._turns, self._config.allowed, self._config.own())

    @asynccontextmanager
    async def _refusals(self) -> AsyncIterator[None]:
        try:
            yield
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._seconds:g} seconds") from None
        except AddressRefused as refused:
            raise NoAnswer(str(refused), is_refused=True) from None
        except FetchRefusedError as refused:
            is_refused = refused.check is GateCheck.REFUSED_ADDRESS
            raise NoAnswer(refused.detail, is_refused=is_refused) from None


def _document(body: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else says nothing to us."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
