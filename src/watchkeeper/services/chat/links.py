"""Whose account in a chat is whose here: linked by a code that a logged-in person makes, and sends once from there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.chat.commands import CODE_GROUP_CHARS, CODE_GROUPS, CODE_LETTERS
from watchkeeper.domain.chat.words import Reply, bare_name
from watchkeeper.domain.errors import NotFound, PermissionDenied
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import SYSTEM_PROJECT, Principal, PrincipalKind, Right, Role
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

CODE_SECONDS = 600.0
MOST_WRONG_CODES = 5
"""So many wrong codes of one account are looked up in ten minutes: a code has 50 random bits."""


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A code as its maker gets it, this once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """Somebody whose account is linked."""

    link_id: UUID
    principal: Principal


class ChatLinks:
    """The linked accounts of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def make_code(self, principal: Principal, *, reason: str | None = None) -> LinkCode:
        """Make a code that links one account to this person, within ten minutes. Raises PermissionDenied."""
        kind = (await self._database.fetch_row("principal_kind", {"id": principal.id}))["kind"]
        if kind != PrincipalKind.PERSON or principal.role is Role.WORKER:
            raise PermissionDenied(
                f"an account of a chat belongs to a person; this token belongs to a {kind}"
            )
        code = "-".join(["WK", *(_group() for _ in range(CODE_GROUPS))])
        row = await self._database.fetch_row(
            "make_chat_code",
            {
                "code_hash": hash_secret(code),
                "principal_id": principal.id,
                "token_id": principal.token_id,
                "role": principal.role.value,
                "scope": principal.project_id,
                "seconds": CODE_SECONDS,
                "actor": principal.actor,
                "reason": reason,
            },
        )
        return LinkCode(code, row["expires_at"])

    async def list(self, project_id: str, *, of: UUID | None = None) -> list[Row]:
        """Give the linked accounts of a project's chats, of one principal where asked."""
        return await self._database.fetch("list_chat_links", {"project_id": project_id, "principal_id": of})

    async def unlink(self, project_id: str, link_id: UUID, by: Principal, *, reason: str) -> None:
        """End a link: one's own, or as an owner anybody's. Raises NotFound, for one of others too."""
        asked = {
            "project_id": project_id,
            "id": link_id,
            "principal_id": None if by.may(Right.MANAGE_TOKENS) else by.id,
            "actor": by.actor,
            "reason": self._redactor.redact(reason),
        }
        if not await self._database.fetch("unlink_chat_account", {**asked, "channel": None, "account": None}):
            raise NotFound("there is no such link here")

    async def unlink_sender(self, connection: Connection, event: Row, sender: Sender) -> None:
        """End the link of the account that asks for it."""
        asked = {
            "project_id": event["project_id"],
            "id": sender.link_id,
            "principal_id": sender.principal.id,
            "actor": sender.principal.actor,
            "reason": "asked for in the chat",
        }
        await fetch(connection, "unlink_chat_account", {**asked, "channel": None, "account": None})

    async def link(self, connection: Connection, event: Row) -> tuple[Reply, dict[str, Any]]:
        """Link the account that sends a code, and say so; or say why not."""
        where = {name: event[name] for name in ("project_id", "channel", "account")}
        if event["account"] is None:
            return Reply.CODE_UNKNOWN, {}
        wrong = await fetch_row(connection, "wrong_chat_codes", where)
        if wrong["wrong"] >= MOST_WRONG_CODES:
            return Reply.TOO_MANY_CODES, {}
        found = await fetch_one(connection, "use_chat_code", {"code_hash": event["secret_hash"]})
        if found is None:
            return Reply.CODE_UNKNOWN, {}
        if found["scope"] not in (None, event["project_id"]) and event["project_id"] != SYSTEM_PROJECT:
            return Reply.CODE_ELSEWHERE, {}
        asked = {**where, **found, "account_name": event["account_name"]}
        await fetch(connection, "link_chat_account", asked)
        return Reply.LINKED, {"name": bare_name(found["name"])}

    async def sender(self, connection: Connection, event: Row) -> Sender | None:
        """Find whose account an event comes from; None for an account that is not linked, or whose token ended."""
        where = {name: event[name] for name in ("project_id", "channel", "account")}
        row = await fetch_one(connection, "chat_sender", where)
        if row is None:
            return None
        principal = Principal(
            row["principal_id"],
            row["name"],
            Role(row["role"]),
            row["scope"],
            token_id=row["token_id"],
            minted_by=row["minted_by"],
        )
        return Sender(row["link_id"], principal)


def _group() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_GROUP_CHARS))
