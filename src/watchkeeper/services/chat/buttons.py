"""Buttons in chats: an opaque one-shot token each, bound to act, request, plan and, where one is meant, linked account.

The token leaves this module once, when it is made; the database keeps its hash.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.chat.words import Press
from watchkeeper.domain.leases import hash_secret
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one

TOKEN_BYTES = 16
"""128 random bits, 22 characters: Telegram's callback data hold 64 bytes."""

BUTTON_SECONDS = 86_400.0
CONFIRM_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ButtonFor:
    """What a button is for. `channel_project` and `channel`: where it stands; nowhere else does it do anything."""

    act: Press
    project_id: str
    channel_project: str
    channel: str
    alert_id: UUID | None = None
    incident_id: UUID | None = None
    repair_id: UUID | None = None
    plan_digest: str | None = None
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button as it was found when somebody pressed it, locked for them."""

    token_hash: bytes
    meant: ButtonFor
    expires_at: datetime
    is_over: bool
    used_at: datetime | None
    used_by: str | None


async def make_button(connection: Connection, meant: ButtonFor, seconds: float = BUTTON_SECONDS) -> str:
    """Keep what a button is for, and give the token that it carries."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    asked = {name: getattr(meant, name) for name in ButtonFor.__slots__}
    asked |= {"act": meant.act.value, "token_hash": hash_secret(token), "seconds": seconds}
    await fetch(connection, "make_chat_button", asked)
    return token


async def pressed_button(connection: Connection, event: Row) -> Pressed | None:
    """Find and lock the button of an event; None for one that was not made for this channel, or is forgotten."""
    where = {
        "token_hash": event["secret_hash"],
        "channel_project": event["project_id"],
        "channel": event["channel"],
    }
    row = await fetch_one(connection, "lock_chat_button", where)
    if row is None:
        return None
    given: dict[str, Any] = {name: row[name] for name in ButtonFor.__slots__}
    meant = ButtonFor(**{**given, "act": Press(row["act"])})
    return Pressed(
        row["token_hash"], meant, row["expires_at"], row["is_over"], row["used_at"], row["used_by"]
    )


async def use_button(connection: Connection, pressed: Pressed, *, actor: str, account: str | None) -> None:
    """Use a button up that is locked."""
    asked = {"token_hash": pressed.token_hash, "actor": actor, "account": account}
    await fetch(connection, "use_chat_button", asked)
