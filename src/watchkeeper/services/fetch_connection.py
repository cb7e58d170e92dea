"""One HTTP exchange with an address that was vetted: the name is spoken, the address is dialled.

docs/adr/0007-dial-the-address-that-was-vetted.md says why it is done so.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

import httpcore2

from watchkeeper import __version__
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.foreign_addresses import ForeignUrl
from watchkeeper.services.fetched import FetchRefusedError

CONNECT_SECONDS = 10.0
"""Of several addresses of one name, a silent one is given up after this time."""

_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer; header names are in lower case. The body can be read once."""

    status: int
    headers: tuple[tuple[str, str], ...]
    _response: httpcore2.Response
    _peer: str

    def header(self, name: str) -> str | None:
        """Give a header, several of one name joined as RFC 9110, 5.3 has it."""
        values = [value for known, value in self.headers if known == name]
        return ", ".join(values) if values else None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Give the body as it comes; raise FetchRefusedError where it breaks off."""
        try:
            async with aclosing(self._response.aiter_stream()) as stream:
                async for chunk in stream:
                    yield chunk
        except _FAILURES as error:
            raise FetchRefusedError(
                GateCheck.FILE_UNREADABLE, f"the answer of {self._peer} broke off: {_said(error)}"
            ) from None


@dataclass(frozen=True, slots=True)
class Sent:
    """What is sent: the gate's GET, unless said otherwise."""

    method: str = "GET"
    sender: str = "gate"
    headers: Mapping[bytes | str, bytes | str] = field(
        default_factory=lambda: {"Accept-Encoding": "gzip, deflate"}
    )
    body: bytes = b""


GET = Sent()


@asynccontextmanager
async def ask(
    url: ForeignUrl, addresses: Sequence[IPv4Address | IPv6Address], tls: ssl.SSLContext, sent: Sent = GET
) -> AsyncIterator[Answer]:
    """Send one request to the first of these addresses that accepts a connection; nothing else is contacted.

    Raises FetchRefusedError where there is no answer.
    """
    authority = url.authority
    host = url.host.encode("ascii")
    scheme = url.scheme.encode("ascii")
    dialler = _Dialler(addresses)
    connection = httpcore2.AsyncHTTPConnection(
        httpcore2.Origin(scheme, host, url.port), ssl_context=tls, network_backend=dialler
    )
    request = httpcore2.Request(
        sent.method,
        httpcore2.URL(scheme=scheme, host=host, port=url.port, target=url.target.encode("ascii")),
        headers={
            "Host": authority,
            "User-Agent": f"watchkeeper-{sent.sender}/{__version__}",
            "Accept": "*/*",
            "Connection": "close",
            **sent.headers,
        },
        content=sent.body or None,
    )
    try:
        try:
            response = await connection.handle_async_request(request)
        except _FAILURES as error:
            raise FetchRefusedError(
                GateCheck.HTTP_STATUS, f"{authority} does not answer: {_said(error)}"
            ) from None
        headers = tuple((name.decode("latin-1").lower(), _text(value)) for name, value in response.headers)
        yield Answer(response.status, headers, response, authority)
    finally:
        await connection.aclose()
        await dialler.hang_up()


class _Dialler(httpcore2.AsyncNetworkBackend):
    """Connects to the given addresses, whatever name it is asked for."""

    def __init__(self, addresses: Sequence[IPv4Address | IPv6Address]) -> None:
        self._addresses = addresses
        self._network = httpcore2.AnyIOBackend()
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was resolved and vetted before; it is not looked up again
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - several addresses share the time
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception | None = None
        for address in self._addresses:
            try:
                self._stream = await self._network.connect_tcp(
                    str(address), port, CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return self._stream
        raise failure or httpcore2.ConnectError("it has no address")

    async def hang_up(self) -> None:
        """Close what was dialled: a handshake that is given up leaves its connection open."""
        if self._stream is not None:
            await self._stream.aclose()


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
