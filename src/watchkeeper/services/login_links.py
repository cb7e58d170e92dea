"""Login to the console: one-time codes for links, and the sessions that a browser gets for one.

Codes and session secrets leave this module once, when they are made; the database keeps their hashes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import NotFound, PermissionDenied, Unauthenticated
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.storage.database import Database, Row

SECRET_BYTES = 32
CODE_SECONDS = 600.0
"""How long a login link can be used."""

SESSION_SECONDS = 7 * 86_400.0
IDLE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class LoginCode:
    """A code as its maker gets it, this once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A session's secret as the browser gets it, this once."""

    secret: str
    expires_at: datetime


class LoginLinks:
    """Codes and sessions of one installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_code(
        self, principal: Principal, lifetime_seconds: float = CODE_SECONDS, *, reason: str | None = None
    ) -> LoginCode:
        """Make a code that opens one session with the principal's role and project, within its lifetime.

        Raises PermissionDenied for a worker, which has no business in the console.
        """
        if principal.role is Role.WORKER:
            raise PermissionDenied("a worker's token opens no console")
        code = secrets.token_urlsafe(SECRET_BYTES)
        (row,) = await self._database.fetch(
            "create_login_code",
            {
                "code_hash": hash_secret(code),
                "principal_id": principal.id,
                "token_id": principal.token_id,
                "role": principal.role.value,
                "project_id": principal.project_id,
                "lifetime_seconds": lifetime_seconds,
                "actor": principal.actor,
                "reason": reason,
            },
        )
        return LoginCode(code, row["expires_at"])

    async def consume_code(self, code: str) -> ConsoleSession:
        """Exchange a code for a session; raise Unauthenticated where it is unknown, used or too old."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        row = await self._database.fetch_one(
            "consume_login_code",
            {
                "code_hash": hash_secret(code),
                "secret_hash": hash_secret(secret),
                "lifetime_seconds": SESSION_SECONDS,
            },
        )
        if row is None:
            raise Unauthenticated(
                "this login link was used already, or is older than ten minutes",
                hint="'watchkeeper login' on the server's machine prints a new one.",
            )
        return ConsoleSession(secret, row["expires_at"])

    async def authenticate_session(self, secret: str) -> Principal:
        """Find who a session belongs to.

        Raises Unauthenticated for one that ended, lay idle for a day, or whose token was revoked or has expired.
        """
        secret_hash = hash_secret(secret)
        row = await self._database.fetch_one(
            "find_console_session", {"secret_hash": secret_hash, "idle_seconds": IDLE_SECONDS}
        )
        if row is None:
            raise Unauthenticated("the session has ended", hint="Log in again.")
        if row["note_use"]:
            await self._database.fetch("note_session_use", {"secret_hash": secret_hash})
        return Principal(
            row["principal_id"],
            row["name"],
            Role(row["role"]),
            row["project_id"],
            token_id=row["token_id"],
            minted_by=row["minted_by"],
        )

    async def sessions(self, principal_id: UUID, current: str | None = None) -> list[Row]:
        """Give the living sessions of a principal, the last used first; `is_this` marks the one of a secret."""
        known = None if current is None else hash_secret(current)
        where = {"principal_id": principal_id, "secret_hash": known, "idle_seconds": IDLE_SECONDS}
        return await self._database.fetch("console_sessions_of", where)

    async def end_one(self, principal: Principal, session: str, *, reason: str) -> None:
        """End one of the principal's own sessions by its id; raise NotFound."""
        where = {"principal_id": principal.id, "id": session, "actor": principal.actor, "reason": reason}
        if not await self._database.fetch("end_own_session", where):
            raise NotFound("you have no such session")

    async def end_session(self, secret: str) -> None:
        """Log out; safe to repeat."""
        await self._database.fetch("end_console_session", {"secret_hash": hash_secret(secret)})
