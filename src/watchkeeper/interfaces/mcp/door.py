"""Who may call over HTTP: a job token known here, by POST, so many calls at once and not more, in bodies of a size."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Lock

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from watchkeeper.domain.errors import RateLimited, Unauthenticated, UsageError, WatchkeeperError
from watchkeeper.interfaces.mcp.toolbox import described_error
from watchkeeper.services.supervision.contract_host import ContractSession

SESSION = "watchkeeper.session"
"""Where in a request's scope the door leaves who was let in."""

RUNNING = 4
WAITING = 16
"""How many calls of one session run at once, and how many more may wait for their turn."""

PAUSING_AT_ONCE = 32
SLOW_SECONDS = 1.0


@dataclass
class Guest:
    """A session that was let in, and its share of this server."""

    token: str = field(repr=False)
    session: ContractSession
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RUNNING))
    present: int = 0


class Guests:
    """The sessions by their tokens, of which only hashes are looked up; for any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_hash: dict[bytes, Guest] = {}

    def add(self, token: str, session: ContractSession) -> None:
        with self._lock:
            self._by_hash[_hash(token)] = Guest(token, session)

    def remove(self, token: str) -> None:
        with self._lock:
            self._by_hash.pop(_hash(token), None)

    def of(self, authorization: str | None) -> Guest | None:
        scheme, _, token = (authorization or "").partition(" ")
        with self._lock:
            return self._by_hash.get(_hash(token.strip())) if scheme.lower() == "bearer" else None


class Door:
    """Stands before the MCP server. `slow_seconds` is how long a refusal takes."""

    def __init__(self, inside: ASGIApp, guests: Guests, slow_seconds: float = SLOW_SECONDS) -> None:
        self._inside = inside
        self._guests = guests
        self._slow = slow_seconds
        self._pausing = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        guest = await self._known(Headers(scope=scope).get("authorization"))
        if guest is None:
            await _answer(send, 401, Unauthenticated("no session of this worker has this token"))
        elif scope["method"] != "POST":
            # No stream outlives a call here: everything is told in the answer of its POST.
            await _answer(send, 405, UsageError("only POST is served here", hint="Send each call as a POST."))
        elif guest.present >= RUNNING + WAITING:
            text = f"this session has {guest.present} calls under way already"
            await self._pause()
            await _answer(send, 429, RateLimited(text, hint="Wait for their answers, then call again."))
        else:
            async with _present(guest):
                await self._inside({**scope, SESSION: guest}, receive, send)

    async def _known(self, authorization: str | None) -> Guest | None:
        """Give who asks, looking twice: a restarted worker may take over a session in this very moment."""
        guest = self._guests.of(authorization)
        if guest is None:
            await self._pause()
            guest = self._guests.of(authorization)
        return guest

    async def _pause(self) -> None:
        """Make guessing and flooding slow, but not for so many at once that they fill us."""
        if self._pausing < PAUSING_AT_ONCE:
            self._pausing += 1
            try:
                await asyncio.sleep(self._slow)
            finally:
                self._pausing -= 1


@asynccontextmanager
async def _present(guest: Guest) -> AsyncIterator[None]:
    guest.present += 1
    try:
        async with guest.turn:
            yield
    finally:
        guest.present -= 1


async def _answer(send: Send, status: int, error: WatchkeeperError) -> None:
    extra: Mapping[int, list[tuple[bytes, bytes]]] = {
        401: [(b"www-authenticate", b"Bearer")],
        405: [(b"allow", b"POST")],
        429: [(b"retry-after", b"2")],
    }
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *extra[status]]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(described_error(error)).encode()})


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
