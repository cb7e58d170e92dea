"""The addresses that chat platforms post to: one for an alert channel, open from when a person opens it.

What proves a door's requests is written once, and read by `receiving` alone; no answer and no record shows it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchkeeper.domain.chat.events import Platform
from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.storage.database import Database, Row, fetch, fetch_row

ID_BYTES = 16
SECRET_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
"""What Telegram takes as a secret token; LINE's and Slack's are 32 hexadecimal digits."""


OF_THE_CHANNEL: dict[str, str] = {
    Platform.LINE: "channel_secret",
    Platform.TELEGRAM: "webhook_secret",
    Platform.SLACK: "signing_secret",
}
"""What a channel calls the secret that its platform proves requests by, where it was told it."""


@dataclass(frozen=True, slots=True)
class WantedDoor:
    """A door as a person asks for it.

    `secret`: LINE's channel secret, Slack's signing secret; left out, the one that the channel was told. For Telegram
    one is made where there is none.
    """

    channel: str
    platform: str
    secret: str | None = field(default=None, repr=False)
    language: str = MessageLanguage.EN


class ChatDoors:
    """The doors of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def list(self, project_id: str) -> list[Row]:
        """Give a project's doors, with the path that each platform is to post to."""
        rows = await self._database.fetch("list_chat_doors", {"project_id": project_id})
        return [{**row, "path": path_of(row)} for row in rows]

    async def open(
        self, project_id: str, wanted: WantedDoor, *, actor: str, reason: str
    ) -> tuple[Row, str | None]:
        """Open a door, or give the one of the channel a new secret; give it, and a secret that was made, this once.

        Raises UsageError for a platform or a secret that is none.
        """
        kept = await self._kept(project_id, wanted)
        _check(wanted, kept)
        made = None if kept is not None else secrets.token_urlsafe(SECRET_BYTES)
        secret = kept or made or ""
        self._redactor.learn(secret)
        asked = {
            "id": secrets.token_urlsafe(ID_BYTES),
            "project_id": project_id,
            "channel": wanted.channel,
            "platform": wanted.platform,
            "language": wanted.language,
            "actor": actor,
            "reason": self._redactor.redact(reason),
        }
        async with self._database.transaction() as connection:
            row = await fetch_row(connection, "open_chat_door", asked)
            await fetch(connection, "keep_chat_secret", {"id": row["id"], "secret": secret})
        return {**row, "path": path_of(row)}, made

    async def _kept(self, project_id: str, wanted: WantedDoor) -> str | None:
        """Give the secret that is said, else the one that the channel itself was told."""
        if wanted.secret is not None:
            return wanted.secret
        where = {"project_id": project_id, "name": wanted.channel}
        row = await self._database.fetch_one("channel_address", where)
        found = ((row and row["secrets"]) or {}).get(OF_THE_CHANNEL.get(wanted.platform, ""))
        return None if found is None else str(found)

    async def close(self, project_id: str, channel: str, *, actor: str, reason: str) -> None:
        """Close a door; its links end. Raises NotFound."""
        asked = {
            "project_id": project_id,
            "channel": channel,
            "actor": actor,
            "reason": self._redactor.redact(reason),
        }
        if not await self._database.fetch("close_chat_door", asked):
            raise NotFound(f"the channel {shown(channel)} has no open door in this project")

    async def places(self, project_id: str, channel: str | None = None) -> Sequence[Row]:
        """Give the chats that the doors have heard of, the latest first: one of them is where messages are to go."""
        return await self._database.fetch("list_chat_places", {"project_id": project_id, "channel": channel})


def path_of(door: Row) -> str:
    """Give the path of a door on this server."""
    return f"/api/inbound/{door['platform']}/{door['id']}"


def _check(wanted: WantedDoor, secret: str | None) -> None:
    if wanted.platform not in set(Platform):
        known = did_you_mean(wanted.platform, list(Platform))
        raise UsageError(f"unknown platform {shown(wanted.platform)}; {known}")
    if wanted.language not in set(MessageLanguage):
        known = did_you_mean(wanted.language, list(MessageLanguage))
        raise UsageError(f"unknown language {shown(wanted.language)}; {known}")
    if secret is None and wanted.platform != Platform.TELEGRAM:
        raise UsageError(
            f"{wanted.platform} signs with a secret of its own",
            hint="LINE: the channel secret under Basic settings. Slack: the signing secret under Basic Information.",
        )
    if secret is not None and not _SECRET.fullmatch(secret):
        raise UsageError("the secret is none: 16 to 256 letters, digits, '_' and '-'")
