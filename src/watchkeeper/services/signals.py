"""Signals: a message becomes a job of its project, and people see how far it came: artifact, adoption, value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.signals import (
    MAX_ANNOTATIONS_CHARS,
    MAX_RELATED,
    MAX_TEXT_CHARS,
    Route,
    Signal,
    chain_of,
    choose_route,
)
from watchkeeper.services.enqueueing import JobRequest, json_text
from watchkeeper.services.merges import project_group
from watchkeeper.services.queue import Queue
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

TOLD = {"adoption": "tell_signal_adoption", "value": "tell_signal_value"}


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of one database."""

    database: Database
    redactor: Redactor
    queue: Queue

    async def receive(self, project_id: str, signal: Signal, *, actor: str, reason: str | None = None) -> Row:
        """Keep a signal and enqueue the job that it becomes, in one transaction; give the signal.

        Texts are redacted, the job's payload with them. Raises UsageError for what is too long.
        """
        said = self._redacted(signal)
        async with self.database.transaction() as connection:
            route = await self._route(connection, project_id, said)
            signal_id = (await fetch_row(connection, "next_signal_id"))["id"]
            kind = {"project_id": project_id, "kind": route.kind}
            # A signal must lead to something that opens; who declared the kind said by its contract what that is.
            declared = (await fetch_row(connection, "kind_is_declared", kind))["declared"]
            contract: dict[str, Any] | None = None if declared else {}
            request = JobRequest(route.kind, _payload(signal_id, said), contract, reason=reason)
            [job] = await self.queue.enqueue(project_id, [request], actor=actor, connection=connection)
            kept = {
                "id": signal_id,
                "project_id": project_id,
                "source": said.source,
                "topic_key": said.topic_key,
                "text": said.text,
                "evidence_ref": said.evidence_ref,
                "related_people": list(said.related_people),
                "related_projects": list(said.related_projects),
                "annotations": json_text(said.annotations, "annotations"),
                "persona": said.persona,
                "job_id": job.id,
                "actor": actor,
                "reason": reason,
                "route": json_text(route.to_json(), "route"),
            }
            await fetch(connection, "keep_signal", kept)
        return await self.show(project_id, signal_id)

    async def list(
        self,
        project_id: str,
        *,
        topic_key: str | None = None,
        group: bool = False,
        before: UUID | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page (None at the end).

        `group`: with those of the projects that this one is read together with.
        """
        async with self.database.transaction() as connection:
            projects = await project_group(connection, project_id) if group else [project_id]
            asked = {"projects": projects, "topic_key": topic_key, "before": before, "limit": limit + 1}
            rows = await fetch(connection, "list_signals", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, signal_id: UUID) -> Row:
        """Give one with all that it says; raise NotFound."""
        row = await self.database.fetch_one("find_signal", {"project_id": project_id, "id": signal_id})
        if row is None:
            raise NotFound("there is no such signal here")
        return row

    async def chain(self, project_id: str, signal_id: UUID) -> dict[str, Any]:
        """Give the links from signal to value, each with its evidence or why it is not yet there; raise NotFound."""
        row = await self.database.fetch_one("signal_chain", {"project_id": project_id, "id": signal_id})
        if row is None:
            raise NotFound("there is no such signal here")
        about = {name: row[name] for name in ("id", "topic_key", "persona", "job_id", "job_state")}
        return {"signal": about, "chain": chain_of(row)}

    async def tell(
        self,
        project_id: str,
        signal_id: UUID,
        what: str,
        text: str,
        evidence_ref: str | None,
        *,
        actor: str,
        reason: str | None = None,
    ) -> Row:
        """Write down a person's word on the `adoption` or the `value` of what a signal led to; raise NotFound.

        Where nobody says why, the text itself is the reason in the trail.
        """
        said = {"text": self.redactor.kept(text), "evidence_ref": self.redactor.kept_if_any(evidence_ref)}
        asked = {"project_id": project_id, "id": signal_id, "actor": actor, "reason": reason}
        if not await self.database.fetch(TOLD[what], {**asked, **said}):
            raise NotFound("there is no such signal here")
        return await self.show(project_id, signal_id)

    async def _route(self, connection: Connection, project_id: str, signal: Signal) -> Route:
        asked = {"project_id": project_id, "topic_key": signal.topic_key}
        lesson = await fetch_one(connection, "lesson_route", asked)
        pool = None if lesson is None else lesson["route_pool"]
        known = await fetch_row(connection, "signal_kinds", {**asked, "pool": pool})
        return choose_route(signal, lesson, known["declared"], known["pool_kinds"])

    def _redacted(self, signal: Signal) -> Signal:
        for what in ("source", "topic_key", "persona"):
            self.redactor.refuse_in_name(f"'{what}'", getattr(signal, what))
        if signal.kind is not None:
            checked_kind_name(signal.kind)
        for what in ("related_people", "related_projects"):
            if len(getattr(signal, what)) > MAX_RELATED:
                raise UsageError(f"'{what}' has more than {MAX_RELATED} entries")
        annotations = self.redactor.redact_data(dict(signal.annotations))
        if len(json_text(annotations, "annotations")) > MAX_ANNOTATIONS_CHARS:
            raise UsageError(f"the annotations have more than {MAX_ANNOTATIONS_CHARS:,} characters")
        return Signal(
            signal.source,
            signal.topic_key,
            self.redactor.kept(signal.text, MAX_TEXT_CHARS),
            self.redactor.kept_if_any(signal.evidence_ref, 4_096),
            tuple(self.redactor.kept(name, 200) for name in signal.related_people),
            tuple(self.redactor.kept(name, 200) for name in signal.related_projects),
            annotations,
            signal.persona,
            signal.kind,
        )


def _payload(signal_id: UUID, signal: Signal) -> dict[str, Any]:
    return {
        "signal_id": str(signal_id),
        "source": signal.source,
        "topic_key": signal.topic_key,
        "text": signal.text,
        "evidence_ref": signal.evidence_ref,
        "related_people": list(signal.related_people),
        "related_projects": list(signal.related_projects),
        "annotations": signal.annotations,
        "persona": signal.persona,
    }
