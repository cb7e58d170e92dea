"""One HTTP/1.1 request over one connection: only what the contract needs, without http.client's start-up.

Proxy variables are not read: an agent's proxy must not see lease tokens.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from watchkeeper.domain.addresses import DEFAULT_URL
from watchkeeper.domain.errors import ServerUnreachable, UsageError

LINE_LIMIT_BYTES = 64 * 1024
HEADER_LIMIT = 200
ANSWER_LIMIT_BYTES = 64 * 1024 * 1024


class Address(NamedTuple):
    """Where a server listens; `prefix` is the path under which a proxy offers it."""

    secure: bool
    host: str
    port: int
    prefix: str
    shown: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a server's URL; raise UsageError saying what is wrong with it."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"WATCHKEEPER_URL is not a URL: {error}") from None
        if parts.username is not None or parts.password is not None:
            raise UsageError(
                "WATCHKEEPER_URL holds a user or password", hint="The token goes in WATCHKEEPER_TOKEN."
            )
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"WATCHKEEPER_URL is {url!r}; it looks like {DEFAULT_URL}")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise UsageError("WATCHKEEPER_URL holds characters that no address has")
        secure = parts.scheme == "https"
        return cls(secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"), url)

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Request(NamedTuple):
    """What to send. `body` is consumed once; `length` is its size in bytes. Times are in seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: Iterable[bytes]
    length: int
    connect_seconds: float
    answer_seconds: float


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def exchange(address: Address, request: Request) -> Response:
    """Send a request and read the whole answer; raise ServerUnreachable when no whole answer came."""
    try:
        connection = _connect(address, request.connect_seconds)
    except OSError as error:
        raise _unreachable(address, _why(error)) from None
    with connection:
        connection.settimeout(request.answer_seconds)
        refused_to_read = _send(connection, address, request)
        try:
            with connection.makefile("rb") as stream:
                return _read_response(stream, request.method)
        except (OSError, _GarbledAnswerError) as error:
            raise _unreachable(address, _why(refused_to_read or error)) from None


class _GarbledAnswerError(Exception):
    """What came is no whole HTTP answer."""


def _connect(address: Address, timeout: float) -> socket.socket:
    connection = socket.create_connection((address.host, address.port), timeout=timeout)
    try:
        # A body leaves in several writes: Nagle would hold each back for the ACK of the one before.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not address.secure:
            return connection
        import ssl

        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise


def _send(connection: socket.socket, address: Address, request: Request) -> OSError | None:
    """Send all; give the error when the server stopped reading, for it may have answered all the same."""
    head = [
        f"{request.method} {address.prefix}{request.path} HTTP/1.1",
        f"Host: {address.host_header}",
        "Connection: close",
        "Accept: application/json",
        *(f"{name}: {value}" for name, value in request.headers.items()),
    ]
    if request.method != "GET":
        head.append(f"Content-Length: {request.length}")
    # The body's own errors (a file that cannot be read) are not the connection's.
    chunks = iter(request.body)
    chunk: bytes | None = "\r\n".join([*head, "", ""]).encode("ascii") + next(chunks, b"")
    while chunk is not None:
        try:
            connection.sendall(chunk)
        except OSError as error:
            return error
        chunk = next(chunks, None)
    return None


def _read_response(stream: BinaryIO, method: str) -> Response:
    status = 100
    while 100 <= status < 200:
        status = _status(_line(stream))
        headers = _headers(stream)
    if method == "HEAD" or status in {204, 304}:
        return Response(status, headers, b"")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Response(status, headers, _chunked(stream))
    if (length := headers.get("content-length")) is not None:
        return Response(status, headers, _exactly(stream, _size(length, 10)))
    return Response(status, headers, stream.read(ANSWER_LIMIT_BYTES))


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    number = rest[:3]
    if not version.startswith("HTTP/1.") or not (number.isascii() and number.isdigit() and len(number) == 3):
        raise _GarbledAnswerError("what answers there does not speak HTTP")
    return int(number)


def _headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(HEADER_LIMIT):
        line = _line(stream)
        if not line:
            return headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    raise _GarbledAnswerError("the answer has too many headers")


def _line(stream: BinaryIO) -> str:
    line = stream.readline(LINE_LIMIT_BYTES)
    if not line.endswith(b"\n"):
        raise _GarbledAnswerError(
            "the connection was cut before an answer" if not line else "the answer was cut short"
        )
    return line.rstrip(b"\r\n").decode("latin-1")


def _chunked(stream: BinaryIO) -> bytes:
    body = bytearray()
    while size := _size(_line(stream).partition(";")[0], 16):
        body += _exactly(stream, size)
        if _line(stream) or len(body) > ANSWER_LIMIT_BYTES:
            raise _GarbledAnswerError("the answer is garbled or too large")
    _headers(stream)
    return bytes(body)


def _size(text: str, base: int) -> int:
    try:
        size = int(text.strip(), base)
    except ValueError:
        raise _GarbledAnswerError("the answer is garbled") from None
    if not 0 <= size <= ANSWER_LIMIT_BYTES:
        raise _GarbledAnswerError("the answer is too large")
    return size


def _exactly(stream: BinaryIO, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise _GarbledAnswerError("the answer was cut short")
    return body


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer came in time"
    if isinstance(error, OSError):
        with contextlib.suppress(AttributeError):
            return str(error.strerror or error).lower()  # gaierror and SSLError carry their text here too
    return str(error)


def _unreachable(address: Address, why: str) -> ServerUnreachable:
    return ServerUnreachable(f"the server at {address.shown} cannot be reached: {why}", url=address.shown)
