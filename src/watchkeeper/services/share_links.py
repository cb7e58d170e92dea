"""Read-only links: whoever has one sees one page of one project, until it runs out or is revoked.

A link's token leaves this module once, when it is made; the database keeps its hash.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage.database import Database, Row

TOKEN_BYTES = 24
MOST_DAYS = 90.0
USUAL_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What an open link shows. `principal` may read the project, and nothing else."""

    address: PageAddress
    principal: Principal
    expires_at: datetime


class ShareLinks:
    """The links of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def make(
        self, project_id: str, address: PageAddress, *, days: float, actor: str, reason: str
    ) -> tuple[Row, str]:
        """Make a link; give what is kept of it, and its token. Raises UsageError for more than MOST_DAYS."""
        if not 0 < days <= MOST_DAYS:
            raise UsageError(f"a link lives for more than 0 and at most {MOST_DAYS:g} days")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        made = await self._database.fetch_row(
            "make_share_link",
            {
                "project_id": project_id,
                "token_hash": hash_secret(token),
                "address": self._redactor.kept(str(address)),
                "reason": self._redactor.kept(reason),
                "actor": actor,
                "days": days,
            },
        )
        return made, token

    async def list(self, project_id: str) -> list[Row]:
        """Give a project's links, the newest first, never their tokens."""
        return await self._database.fetch("list_share_links", {"project_id": project_id})

    async def revoke(self, project_id: str, link_id: UUID, *, actor: str, reason: str) -> None:
        """End a link at once; raise NotFound where there is none, or it was revoked before."""
        asked = {
            "project_id": project_id,
            "id": link_id,
            "actor": actor,
            "reason": self._redactor.kept(reason),
        }
        if not await self._database.fetch("revoke_share_link", asked):
            raise NotFound("there is no such link that could be revoked")

    async def open(self, token: str) -> Shared:
        """Find what a token shows, and note that it was opened; raise NotFound for one that shows nothing."""
        row = await self._database.fetch_one("find_share_link", {"token_hash": hash_secret(token)})
        if row is None:
            raise NotFound("this link shows nothing: it ran out, or was revoked", hint="Ask for a new one.")
        if row["note_opening"]:
            await self._database.fetch(
                "note_share_opened", {"project_id": row["project_id"], "id": row["id"]}
            )
        reader = Principal(row["id"], f"{row['project_id']}/share", Role.VIEWER, row["project_id"])
        return Shared(PageAddress.parse(row["address"]), reader, row["expires_at"])
