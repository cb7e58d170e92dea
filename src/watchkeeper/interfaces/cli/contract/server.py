"""The server as a command sees it: a request with the caller's tokens, an answer of the contract's shape.

A 429 is tried again here; everything else is for the caller to judge.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from watchkeeper.domain.errors import HTTP_STATUS
from watchkeeper.interfaces.cli.contract.answers import Json, Reply, error_of_status
from watchkeeper.interfaces.cli.contract.wire import Address, Request, Response, exchange

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
RATE_LIMIT_TRIES = 3
RATE_LIMIT_SECONDS = 10.0
GATEWAY_FAULTS = frozenset({502, 503, 504})


class Body(NamedTuple):
    """A request body that can be sent again: `chunks` begins anew at each call."""

    content_type: str
    length: int
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of_json(cls, value: Json) -> Self:
        content = json.dumps(value).encode()
        return cls("application/json", len(content), lambda: (content,))


class Tokens(NamedTuple):
    """Who asks: the bearer token, and the lease token where this worker holds one."""

    bearer: str | None
    lease: str | None = None


class Patience(NamedTuple):
    """How long to wait, in seconds: for a connection, each part of an answer, all tries after a 429."""

    connect_seconds: float = CONNECT_SECONDS
    answer_seconds: float = ANSWER_SECONDS
    rate_limit_seconds: float = RATE_LIMIT_SECONDS


PATIENT = Patience()


class Server:
    """One server, spoken to with a connection per request."""

    def __init__(self, url: str) -> None:
        self._address = Address.parse(url)

    @property
    def url(self) -> str:
        return self._address.shown

    def ask(self, path: str, body: Body | None, tokens: Tokens, patience: Patience = PATIENT) -> Reply:
        """Send a POST, or a GET where there is no body; raise ServerUnreachable when no answer came."""
        deadline = time.monotonic() + patience.rate_limit_seconds
        for attempt in range(1, RATE_LIMIT_TRIES + 1):
            response = exchange(self._address, _request(path, body, tokens, patience))
            reply = understand(response, self._address.shown)
            if reply.status != HTTP_STATUS["rate_limited"] or attempt == RATE_LIMIT_TRIES:
                break
            pause = 0.5 * attempt if reply.retry_after_seconds is None else reply.retry_after_seconds
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        return reply


def _request(path: str, body: Body | None, tokens: Tokens, patience: Patience) -> Request:
    headers = {"User-Agent": "watchkeeper-contract"}
    if tokens.bearer:
        headers["Authorization"] = f"Bearer {tokens.bearer}"
    if tokens.lease:
        headers["Watchkeeper-Lease"] = tokens.lease
    waits = (patience.connect_seconds, patience.answer_seconds)
    if body is None:
        return Request("GET", path, headers, (), 0, *waits)
    headers["Content-Type"] = body.content_type
    return Request("POST", path, headers, body.chunks(), body.length, *waits)


def understand(response: Response, url: str) -> Reply:
    """Read an HTTP answer as one of the contract; what is none becomes an error that says what came."""
    retry_after = _seconds(response.headers.get("retry-after"))
    answer = _json_object(response.body)
    if answer is None or (response.status < 400 and not isinstance(answer.get("ok"), bool)):
        return Reply(_foreign(response, url), response.status, retry_after)
    if response.status >= 400 or not answer["ok"]:
        answer = _with_error(answer, response.status)
    return Reply(answer, response.status, retry_after)


def _with_error(answer: Json, status: int) -> Json:
    error = answer.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), str):
        # problem+json repeats the error under its own names; the contract's answer does not.
        problem = {"type", "title", "status", "detail", "code", "instance"}
        return {
            "ok": False,
            **{name: value for name, value in answer.items() if name not in problem | {"ok"}},
        }
    if status < 400:
        return answer
    code = answer.get("code")
    return _error(
        code if isinstance(code, str) else error_of_status(status),
        str(answer.get("title") or f"the server answered with status {status}"),
        "See the server's log.",
        {"status": status, "detail": answer.get("detail")},
    )


def _foreign(response: Response, url: str) -> Json:
    status = response.status
    details: Json = {"url": url, "status": status, "content_type": response.headers.get("content-type", "")}
    if status in GATEWAY_FAULTS:
        message = (
            f"a gateway before the server at {url} answered with status {status}: the server is not there"
        )
        return _error("server_unreachable", message, "Try again when it is back.", details)
    hint = "Check WATCHKEEPER_URL; a proxy may stand in between."
    if 300 <= status < 400:
        details["location"] = response.headers.get("location", "")
        return _error("internal_error", f"{url} sends elsewhere; redirects are not followed", hint, details)
    message = f"what answers at {url} is not Watchkeeper: status {status} without the contract's JSON"
    return _error("internal_error", message, hint, details)


def _error(code: str, message: str, hint: str, details: Json) -> Json:
    return {"ok": False, "error": {"code": code, "message": message, "hint": hint, "details": details}}


def _json_object(body: bytes) -> Json | None:
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _seconds(text: str | None) -> float | None:
    """Read Retry-After in its form of seconds; as a date it is left alone, since our clock may be off."""
    try:
        seconds = float(text) if text else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 86_400 else None
