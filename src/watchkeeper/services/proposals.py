"""Proposals: put before people once, decided once, and where their acceptance changed something, taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, PermissionDenied, UsageError
from watchkeeper.domain.proposals import MAX_OPTIONS, MAX_SUBJECT_CHARS, AdoptionStatus, ProposalDraft
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.enqueueing import json_text
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row


@dataclass(frozen=True, slots=True)
class Proposed:
    """The proposal that stands now; `is_new` unless it stood already."""

    id: UUID
    is_new: bool


async def propose(
    connection: Connection,
    redactor: Redactor,
    draft: ProposalDraft,
    *,
    actor: str,
    reason: str | None = None,
) -> Proposed:
    """Put a proposal before people, in the caller's transaction; an undecided one of its fingerprint stays alone.

    Texts are redacted and cut. Raises UsageError for a subject that is too large or not JSON.
    """
    if len(draft.options) > MAX_OPTIONS:
        raise UsageError(f"a proposal has at most {MAX_OPTIONS} options")
    subject = json_text(redactor.redact_data(dict(draft.subject)), "subject")
    if len(subject) > MAX_SUBJECT_CHARS:
        raise UsageError(f"the subject has more than {MAX_SUBJECT_CHARS:,} characters")
    row = await fetch_row(
        connection,
        "propose",
        {
            "project_id": draft.project_id,
            "kind": draft.kind,
            "fingerprint": draft.fingerprint,
            "incident_id": draft.incident_id,
            "job_id": draft.job_id,
            "problem": redactor.kept(draft.problem),
            "decision": redactor.kept(draft.decision),
            "options": json_text([redactor.kept(option) for option in draft.options], "options"),
            "recommendation": redactor.kept(draft.recommendation),
            "reasoning": redactor.kept(draft.reasoning),
            "landing_path": redactor.kept_if_any(draft.landing_path),
            "feedback_if_rejected": redactor.kept_if_any(draft.feedback_if_rejected),
            "actor": actor,
            "subject": subject,
            "reason": reason,
        },
    )
    return Proposed(row["id"], row["is_new"])


async def withdraw(
    connection: Connection, project_id: str, fingerprint: str, *, actor: str, reason: str
) -> bool:
    """End the undecided proposal of a fingerprint, since what it was about is over; say whether there was one."""
    asked = {"project_id": project_id, "fingerprint": fingerprint, "actor": actor, "reason": reason}
    return bool(await fetch(connection, "withdraw_proposal", asked))


@dataclass(frozen=True, slots=True)
class Effect:
    """What accepting a kind of proposal changes, in the same transaction.

    `apply` is given the proposal's subject and gives what it changed, with what stood there before; `undo` is given
    that, and raises Conflict where it is not as it was left. `of_whole`: who decides must be of the whole installation.
    """

    apply: Callable[[Connection, Mapping[str, Any]], Awaitable[dict[str, Any]]]
    undo: Callable[[Connection, Mapping[str, Any]], Awaitable[None]]
    of_whole: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, and why; the reason for a rejection is the feedback that the record asks for.

    `of_whole`: they decide for the whole installation.
    """

    project_id: str
    proposal_id: UUID
    actor: str
    reason: str | None = None
    of_whole: bool = False


@dataclass(frozen=True, slots=True)
class Proposals:
    """The decision records of one database. Kinds without an effect are only written down."""

    database: Database
    redactor: Redactor
    effects: Mapping[str, Effect] = field(default_factory=dict)

    async def list(
        self, project_id: str, *, status: str | None = None, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page (None at the end)."""
        asked = {"project_id": project_id, "status": status, "before": before, "limit": limit + 1}
        rows = await self.database.fetch("list_proposals", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, proposal_id: UUID) -> Row:
        """Give one with all that it says; raise NotFound."""
        row = await self.database.fetch_one("find_proposal", {"project_id": project_id, "id": proposal_id})
        if row is None:
            raise NotFound("there is no such proposal here")
        return row

    async def make(self, draft: ProposalDraft, *, actor: str, reason: str | None = None) -> Proposed:
        """Put a proposal before people."""
        async with self.database.transaction() as connection:
            return await propose(connection, self.redactor, draft, actor=actor, reason=reason)

    async def accept(self, decision: Decision) -> Row:
        """Accept an undecided proposal and carry out its effect; raise NotFound, or Conflict for a decided one."""
        async with self.database.transaction() as connection:
            await self.accept_within(connection, decision)
        return await self.show(decision.project_id, decision.proposal_id)

    async def accept_within(self, connection: Connection, decision: Decision) -> None:
        """The same in the caller's transaction."""
        row = await self._undecided(connection, decision)
        effect = self._effect(row, decision)
        done = None if effect is None else await effect.apply(connection, row["subject"])
        await self._decide(connection, decision, AdoptionStatus.ACCEPTED, "proposal_accepted", done)

    async def reject(self, decision: Decision) -> Row:
        """Reject an undecided proposal; raise UsageError where nothing says why, NotFound, Conflict."""
        if not decision.reason:
            raise UsageError("a rejection says why", hint="The record says what feedback it asks for.")
        async with self.database.transaction() as connection:
            self._effect(await self._undecided(connection, decision), decision)
            await self._decide(connection, decision, AdoptionStatus.REJECTED, "proposal_rejected", None)
        return await self.show(decision.project_id, decision.proposal_id)

    async def undo(self, decision: Decision) -> Row:
        """Take back what an accepted proposal changed; raise NotFound, or Conflict where that cannot be."""
        async with self.database.transaction() as connection:
            row = await self._lock(connection, decision)
            effect = self._effect(row, decision)
            if row["adoption_status"] != AdoptionStatus.ACCEPTED:
                raise Conflict(f"a proposal that is {row['adoption_status']} cannot be undone")
            if effect is None or row["effect"] is None:
                raise Conflict(
                    "accepting this proposal changed nothing by itself, so that there is nothing to undo"
                )
            await effect.undo(connection, row["effect"])
            asked = {"project_id": decision.project_id, "id": decision.proposal_id, "actor": decision.actor}
            await fetch(
                connection, "undo_proposal", {**asked, "reason": self.redactor.kept_if_any(decision.reason)}
            )
        return await self.show(decision.project_id, decision.proposal_id)

    def _effect(self, row: Row, decision: Decision) -> Effect | None:
        effect = self.effects.get(row["kind"])
        if effect is not None and effect.of_whole and not decision.of_whole:
            raise PermissionDenied("this proposal is for owners of the whole installation")
        return effect

    async def _lock(self, connection: Connection, decision: Decision) -> Row:
        asked = {"project_id": decision.project_id, "id": decision.proposal_id}
        if (row := await fetch_one(connection, "lock_proposal", asked)) is None:
            raise NotFound("there is no such proposal here")
        return row

    async def _undecided(self, connection: Connection, decision: Decision) -> Row:
        row = await self._lock(connection, decision)
        if row["adoption_status"] != AdoptionStatus.PROPOSED:
            raise Conflict(f"this proposal is already {row['adoption_status']}")
        return row

    async def _decide(
        self,
        connection: Connection,
        decision: Decision,
        status: AdoptionStatus,
        event: str,
        effect: dict[str, Any] | None,
    ) -> None:
        arguments = {
            "project_id": decision.project_id,
            "id": decision.proposal_id,
            "actor": decision.actor,
            "reason": self.redactor.kept_if_any(decision.reason),
            "status": status.value,
            "event": event,
            "effect": None if effect is None else json_text(effect, "effect"),
        }
        if not await fetch(connection, "decide_proposal", arguments):
            raise Conflict
