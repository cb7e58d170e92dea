"""What was told in a chat is handled: acted on in one transaction, then answered; left-overs are taken up by a duty.

An act is done once, whoever dies: its outcome is kept in the same transaction. An answer is tried a few times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.chat.commands import Wish
from watchkeeper.domain.chat.words import LABELS, Reply, replied
from watchkeeper.domain.errors import DatabaseUnavailable, WatchkeeperError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.principals import SYSTEM_PROJECT, Principal, Right
from watchkeeper.domain.redaction import Redactor
from watchkeeper.logs import log
from watchkeeper.services.chat.answering import Answer, ChatAnswering
from watchkeeper.services.chat.links import ChatLinks, Sender
from watchkeeper.services.chat.pressing import Came, Pressing
from watchkeeper.services.chat.receiving import Key
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.outward import NoAnswer
from watchkeeper.services.people import People, Said
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row

BATCH = 50
MOST_TRIES = 3
LEFT_OVER_SECONDS = 5.0
"""What is not handled so long after it came was left by who took it in."""


@dataclass(frozen=True, slots=True)
class ChatHandling:
    """Handles the events of one database; safe on many machines at once."""

    database: Database
    redactor: Redactor
    links: ChatLinks
    pressing: Pressing
    people: People
    answering: ChatAnswering
    interval_seconds: float = 5.0

    def duty(self) -> Duty:
        return Duty("chat", self.run_once, self.interval_seconds)

    async def run_once(self) -> Ran:
        """Handle what nobody handled."""
        asked = {"seconds": LEFT_OVER_SECONDS, "limit": BATCH}
        rows = await self.database.fetch("open_chat_events", asked)
        await self.handle(rows)
        return Ran({"chat_events": len(rows)}, 0.1 if len(rows) == BATCH else None)

    async def handle(self, keys: Iterable[Key]) -> None:
        """Handle events one after the other; a failure of one is logged, and left to the duty."""
        for key in keys:
            try:
                await self._handle(key)
            except DatabaseUnavailable as error:
                log("database_down", what="chat", detail=error.message)
                return

    async def _handle(self, key: Key) -> None:
        found = await self.database.fetch("take_chat_event", key)
        if not found:
            return
        (event,) = found
        answer = await self._answer(event) if event["outcome"] is None else Answer(event["answer"])
        try:
            await self.answering.send(event, answer)
        except NoAnswer as failure:
            detail = self.redactor.redact(failure.detail)[:500]
            log("chat_answer_failed", project=event["project_id"], channel=event["channel"], detail=detail)
            if not failure.is_refused and event["tries"] < MOST_TRIES and event["reply_by"] != "token":
                return  # the duty tries again
            await self.database.fetch("end_chat_event", {**key, "error": detail})
        else:
            await self.database.fetch("end_chat_event", {**key, "error": None})

    async def _answer(self, event: Row) -> Answer:
        """Act, and keep what came of it with the act; what is refused is taken back, and told."""
        try:
            async with self.database.together(), self.database.transaction() as connection:
                came = await self._came(connection, event)
                return await self._kept(connection, event, came)
        except DatabaseUnavailable:
            raise
        except WatchkeeperError as error:
            came = Came(Reply.REFUSED, {"why": error.message.rstrip(".")})
        except Exception as error:  # noqa: BLE001 - whoever asked gets an answer, and the log says what it was
            log("duty_failed", duty="chat", code="internal_error", detail=f"{type(error).__name__}: {error}")
            came = Came(Reply.OUR_FAULT, {})
        async with self.database.transaction() as connection:
            return await self._kept(connection, event, came)

    async def _kept(self, connection: Connection, event: Row, came: Came) -> Answer:
        language = MessageLanguage(event["language"])
        text = self.redactor.redact(replied(came.reply, language, **came.facts)).strip()
        key = {name: event[name] for name in ("project_id", "channel", "event_id")}
        await fetch(connection, "note_chat_outcome", {**key, "outcome": came.reply.value, "answer": text})
        button = None if came.button is None else (LABELS[language][came.button[0]], came.button[1])
        return Answer(text, button)

    async def _came(self, connection: Connection, event: Row) -> Came:
        wish = Wish(event["wish"])
        if wish is Wish.LINK:
            return Came(*await self.links.link(connection, event))
        if wish is Wish.HELP:
            return Came(Reply.HELP, {})
        sender = await self.links.sender(connection, event)
        if wish is Wish.PRESS:
            return await self.pressing.press(connection, event, sender)
        if sender is None:
            return Came(Reply.NOT_LINKED, {})
        if wish is Wish.UNLINK:
            await self.links.unlink_sender(connection, event, sender)
            return Came(Reply.UNLINKED, {})
        if wish is Wish.STATUS:
            return await self._status(connection, event, sender)
        return await self._replied(connection, event, sender)

    async def _status(self, connection: Connection, event: Row, sender: Sender) -> Came:
        sender.principal.demand(Right.READ)
        project = project_of(event, sender.principal)
        row = await fetch_row(connection, "chat_status", {"project_id": project})
        facts: dict[str, Any] = {name: _counted(row[name]) for name in ("incidents", "repairs", "stuck")}
        return Came(
            Reply.STATUS,
            {"project": project or "all", "at": self.pressing.clock(row["now"]), **facts},
        )

    async def _replied(self, connection: Connection, event: Row, sender: Sender) -> Came:
        """Record an operator's reply: to the question that waits for this person, else by itself.

        What it says is kept; a proposal is not decided by text from a chat.
        """
        principal = sender.principal
        principal.demand(Right.DECIDE)
        project = project_of(event, principal) or SYSTEM_PROJECT
        said = Said(event["said"], principal.actor, decides=False)
        person = principal.name.rpartition("/")[2]
        waiting = await fetch(connection, "question_open_to", {"project_id": project, "person": person})
        if len(waiting) == 1:
            answered = await self.people.answer(project, waiting[0]["id"], said)
        else:
            answered = await self.people.reply(project, said, person=person)
        if answered.sync["proposal_id"] is not None:
            return Came(Reply.RECORDED_UNDECIDED, {})
        return Came(Reply.RECORDED, {"effect": answered.sync["effect"] or "-"})


def project_of(event: Row, principal: Principal) -> str | None:
    """Give the project that a chat is about for somebody: their own, else the door's; None for all of them."""
    if event["project_id"] == SYSTEM_PROJECT:
        return principal.project_id
    return principal.project(event["project_id"])


def _counted(count: int) -> str:
    return "1,000+" if count >= 1000 else str(count)
