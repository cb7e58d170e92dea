"""What platforms post: proved, read, and kept once under the platform's own id; all else happens after the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.chat.commands import Asked, Wish, asked_by
from watchkeeper.domain.chat.events import ChatEvent, Happened, Platform, ReplyBy, Told
from watchkeeper.domain.chat.line import read_line
from watchkeeper.domain.chat.signatures import line_signed, slack_signed, telegram_signed
from watchkeeper.domain.chat.slack import read_slack, slack_document
from watchkeeper.domain.chat.telegram import read_telegram
from watchkeeper.domain.errors import NotFound, RateLimited, Unauthenticated, UsageError
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage.database import Connection, Database, Row, fetch

MOST_WAITING = 1_000
"""So many events of a door may wait to be handled; the platform repeats what is refused meanwhile."""

RETRY_SECONDS = 30
PRIVATE = frozenset({"user", "im"})

Key = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came; header names are in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Received:
    """What is new and to be handled now, and what has to be sent back at once."""

    keys: tuple[Key, ...]
    challenge: str | None = None


class ChatReceiving:
    """Takes in what the doors of one database are told."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def receive(self, platform: str, door_id: str, incoming: Incoming) -> Received:
        """Keep what a request tells. Raises NotFound for no door, Unauthenticated for a request that is not proved.

        Raises RateLimited while too much waits, and UsageError for a body that cannot be read.
        """
        door = await self._database.fetch_one("find_chat_door", {"id": door_id})
        if door is None or door["platform"] != platform:
            raise NotFound("nobody is expected at this address")
        self._redactor.learn(door["secret"])
        if not proved(Platform(platform), door["secret"], incoming, door["now"].timestamp()):
            raise Unauthenticated(
                "the request is not signed by the platform, or is too old", hint="Check the door's secret."
            )
        told = read(Platform(platform), incoming)
        if told.events and door["waiting"] >= MOST_WAITING:
            raise RateLimited("too many events wait at this door", retry_after=RETRY_SECONDS)
        async with self._database.transaction() as connection:
            kept = [await self._keep(connection, door, event) for event in told.events]
        return Received(tuple(key for key in kept if key is not None), told.challenge)

    async def _keep(self, connection: Connection, door: Row, event: ChatEvent) -> Key | None:
        """Keep one event, if it asks for something and was not told before."""
        where = {"project_id": door["project_id"], "channel": door["channel"]}
        place = {"chat": event.chat, "kind": event.chat_kind[:40], "title": self._named(event.title)}
        await fetch(connection, "note_chat_place", {**where, **place})
        asked = _asked(event)
        if asked is None:
            return None
        is_secret = asked.wish in (Wish.LINK, Wish.PRESS)
        row = {
            "event_id": event.id,
            "wish": asked.wish.value,
            "chat": event.chat,
            "account": event.account,
            "account_name": self._named(event.account_name),
            "said": self._redactor.kept_if_any(None if is_secret else asked.text or None),
            "secret_hash": hash_secret(asked.text) if is_secret else None,
            "reply_by": event.reply_by.value,
            "reply": event.reply,
            "message": event.on,
        }
        kept = await fetch(connection, "keep_chat_event", {**where, **row})
        return {**where, "event_id": event.id} if kept else None

    def _named(self, name: str | None) -> str | None:
        return self._redactor.kept_if_any(name, 200)


def proved(platform: Platform, secret: str, incoming: Incoming, now: float) -> bool:
    """Say whether a request comes from the platform that knows the secret."""
    headers = incoming.headers
    match platform:
        case Platform.LINE:
            return line_signed(secret, incoming.body, headers.get("x-line-signature"))
        case Platform.TELEGRAM:
            return telegram_signed(secret, headers.get("x-telegram-bot-api-secret-token"))
        case Platform.SLACK:
            stamp, given = headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature")
            return slack_signed(secret, incoming.body, stamp, given, now=now)


def read(platform: Platform, incoming: Incoming) -> Told:
    """Read a body that was proved; raise UsageError for one that cannot be read."""
    if platform is Platform.SLACK:
        return read_slack(slack_document(incoming.headers.get("content-type", ""), incoming.body))
    try:
        document = json.loads(incoming.body)
    except (ValueError, RecursionError):
        raise UsageError("the body is not JSON") from None
    return read_line(document) if platform is Platform.LINE else read_telegram(document)


def _asked(event: ChatEvent) -> Asked | None:
    if event.happened is Happened.BUTTON:
        return Asked(Wish.PRESS, event.text)
    if event.happened is Happened.TEXT:
        alone = event.chat_kind in PRIVATE or event.reply_by is ReplyBy.URL
        return asked_by(event.text, is_private=alone)
    return None
