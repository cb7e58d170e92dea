"""Letting another person in: a link that works once, with a role of its own, made by who manages tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import Principal, PrincipalKind, Role
from watchkeeper.services.identity import Identity
from watchkeeper.services.login_links import SESSION_SECONDS, LoginLinks
from watchkeeper.storage.database import Database

HOURS = 24.0
MOST_HOURS = 168.0


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link's code as its maker gets it, this once. Revoking the token ends the link, or the login that it became."""

    token_id: UUID
    principal: str
    code: str
    expires_at: datetime


class Invitations:
    """One-time links for others."""

    def __init__(self, database: Database, identity: Identity, logins: LoginLinks) -> None:
        self._database = database
        self._identity = identity
        self._logins = logins

    async def invite(
        self,
        name: str,
        role: Role,
        project_id: str | None,
        *,
        by: Principal,
        hours: float = HOURS,
        reason: str | None = None,
    ) -> Invitation:
        """Make a link that logs one browser in as `name`; raise UsageError, and as `Identity.create_token`.

        The token behind it has a secret that nobody knows, and ends when the longest login by the link would.
        """
        if role is Role.WORKER:
            raise UsageError("a worker has no business in the console: make a token for it")
        if not 0 < hours <= MOST_HOURS:
            raise UsageError(f"a link lives for up to {MOST_HOURS:.0f} hours")
        seconds = hours * 3600
        async with self._database.together():
            token = await self._identity.create_token(
                name,
                role,
                project_id,
                actor=by.actor,
                minted_by=by.id,
                lifetime_seconds=seconds + SESSION_SECONDS,
                kind=PrincipalKind.PERSON,
                reason=reason,
            )
            person = await self._identity.authenticate(token.secret)
            code = await self._logins.create_code(person, seconds, reason=reason)
        return Invitation(token.id, person.name, code.code, code.expires_at)
