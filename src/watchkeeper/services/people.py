"""People: who was asked what until when, what they answered, what came of it; who is overdue is reminded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.messages import MessageName, message
from watchkeeper.domain.operator_replies import Adoption, OperatorReply, looks_like_reply, parse_reply
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.enqueueing import json_text
from watchkeeper.services.proposals import Decision, Proposals
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

BATCH = 100
MAX_TEXT_CHARS = 4_000
ANSWER_TIME = timedelta(days=1)
"""How long people have for a question that follows an answer, where the question before it had no time of its own."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, and until when; about an incident, a proposal or a signal where one is named."""

    person: str
    text: str
    due_at: datetime | None = None
    channel: str | None = None
    incident_id: UUID | None = None
    proposal_id: UUID | None = None
    signal_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody answered. `of_whole`: they decide for the whole installation.

    `decides`: their word may accept the proposal in question; a text from a chat alone never does.
    """

    text: str
    actor: str
    of_whole: bool = False
    decides: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was recorded. `next_question` is what is asked because of it."""

    sync: Row
    reply: OperatorReply | None
    next_question: UUID | None


@dataclass(frozen=True, slots=True)
class People:
    """The questions to people of one database."""

    database: Database
    redactor: Redactor
    proposals: Proposals
    interval_seconds: float = 60.0

    def duty(self) -> Duty:
        return Duty("people", self.run_once, self.interval_seconds)

    async def ask(self, project_id: str, question: Question, *, actor: str, reason: str | None = None) -> Row:
        """Write a question down; who asks sends it, and the reminder goes through the outbox.

        Raises UsageError for one that would be overdue at once.
        """
        async with self.database.transaction() as connection:
            now = (await fetch_row(connection, "clock"))["now"]
            if question.due_at is not None and question.due_at <= now:
                told = question.due_at.isoformat(timespec="minutes")
                raise UsageError(f"the time to answer by is over: {told}", hint="Name a time to come.")
            made = await self._ask(connection, project_id, question, actor, reason)
        return await self.show(project_id, made)

    async def list(
        self, project_id: str, *, unanswered: bool = False, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page (None at the end)."""
        asked = {"project_id": project_id, "unanswered": unanswered, "before": before, "limit": limit + 1}
        rows = await self.database.fetch("list_people_syncs", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, sync_id: UUID) -> Row:
        """Give one question with its answer; raise NotFound."""
        row = await self.database.fetch_one("find_people_sync", {"project_id": project_id, "id": sync_id})
        if row is None:
            raise NotFound("nobody was asked that here")
        return row

    async def answer(self, project_id: str, sync_id: UUID, said: Said) -> Answered:
        """Record the answer to a question; one in the form of an operator's reply also has its effect.

        `adopt=watchdog_config` accepts the proposal that the question was about; `adopt=revise` asks for what should
        change. Raises NotFound, Conflict for a question that is answered, NoReply for a reply with an unknown word.
        """
        reply = parse_reply(said.text) if looks_like_reply(said.text) else None
        async with self.database.transaction() as connection:
            sync = await fetch_one(connection, "find_people_sync", {"project_id": project_id, "id": sync_id})
            if sync is None:
                raise NotFound("nobody was asked that here")
            following = await self._settle(connection, project_id, sync, said, reply)
        return Answered(await self.show(project_id, sync_id), reply, following)

    async def reply(
        self, project_id: str, said: Said, *, person: str | None = None, proposal_id: UUID | None = None
    ) -> Answered:
        """Record an operator's reply to a question that was asked elsewhere; raise NoReply for what is none."""
        reply = parse_reply(said.text)
        asked = message(MessageName.ADOPT_WATCHDOG, facts={"due": "-"}).text
        question = Question(reply.owner or person or said.actor, asked, proposal_id=proposal_id)
        async with self.database.transaction() as connection:
            made = await self._ask(connection, project_id, question, said.actor, said.reason)
            sync = await fetch_row(connection, "find_people_sync", {"project_id": project_id, "id": made})
            following = await self._settle(connection, project_id, sync, said, reply)
        return Answered(await self.show(project_id, made), reply, following)

    async def run_once(self) -> Ran:
        """Remind of what is overdue; ask to run again when the next question is."""
        async with self.database.transaction() as connection:
            overdue = await fetch(connection, "take_overdue_people", {"limit": BATCH})
            for row in overdue:
                await announce(connection, _reminder(row), self.redactor)
            following = await fetch_row(connection, "next_overdue_person")
        seconds = following["seconds"]
        return Ran({"people_reminded": len(overdue)}, None if seconds is None else max(0.1, seconds))

    async def _ask(
        self,
        connection: Connection,
        project_id: str,
        question: Question,
        actor: str,
        reason: str | None = None,
    ) -> UUID:
        row = await fetch_row(
            connection,
            "ask_person",
            {
                "project_id": project_id,
                "incident_id": question.incident_id,
                "proposal_id": question.proposal_id,
                "signal_id": question.signal_id,
                "person": self.redactor.kept(question.person, 200),
                "question": self.redactor.kept(question.text, MAX_TEXT_CHARS),
                "channel": self.redactor.kept_if_any(question.channel, 200),
                "due_at": question.due_at,
                "actor": actor,
                "reason": reason,
            },
        )
        made: UUID = row["id"]
        return made

    async def _settle(
        self, connection: Connection, project_id: str, sync: Row, said: Said, reply: OperatorReply | None
    ) -> UUID | None:
        """Write the answer down with what comes of it; give what is asked next."""
        effect, following = None, None
        if reply is not None and reply.adopt is Adoption.REVISE:
            following = await self._ask_again(connection, project_id, sync, reply, said.actor)
            effect = "a revision is asked for: " + ", ".join(reply.asks)
        elif reply is not None and reply.adopt is Adoption.WATCHDOG_CONFIG:
            effect = "adopted"
            if sync["proposal_id"] is not None and not said.decides:
                effect = "adopted; the proposal itself waits to be decided on its page"
            elif sync["proposal_id"] is not None:
                decision = Decision(project_id, sync["proposal_id"], said.actor, said.text, said.of_whole)
                await self.proposals.accept_within(connection, decision)
                effect = "adopted: the proposal is accepted"
        if reply is not None and reply.blocker:
            effect = f"{effect or 'answered'}; blocked by: {reply.blocker}"
        told = None if reply is None else json_text(self.redactor.redact_data(reply.to_json()), "reply")
        answered = {
            "project_id": project_id,
            "id": sync["id"],
            "answer": self.redactor.kept(said.text, MAX_TEXT_CHARS),
            "reply": told,
            "effect": self.redactor.kept_if_any(effect, MAX_TEXT_CHARS),
            "actor": said.actor,
            "reason": said.reason,
        }
        if not await fetch(connection, "answer_person", answered):
            raise Conflict("this was answered already")
        return following

    async def _ask_again(
        self, connection: Connection, project_id: str, sync: Row, reply: OperatorReply, actor: str
    ) -> UUID:
        about = {name: sync[name] for name in ("incident_id", "proposal_id", "signal_id")}
        channel = reply.alert_channel or sync["channel"]
        given = ANSWER_TIME if sync["due_at"] is None else sync["due_at"] - sync["asked_at"]
        due = (await fetch_row(connection, "clock"))["now"] + given
        again = Question(sync["person"], message(MessageName.REVISE).text, due, channel, **about)
        return await self._ask(connection, project_id, again, actor)


def _reminder(row: Row) -> Notice:
    facts = {"person": row["person"], "due": row["due_at"].isoformat(), "question": row["question"]}
    return Notice(
        row["project_id"],
        key=f"people_sync:{row['id']}",
        text=message(MessageName.REMINDER, facts=facts).text,
        recipient=row["person"],
        facts={"message": MessageName.REMINDER.value, "facts": facts},
    )
