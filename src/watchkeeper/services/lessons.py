"""The memory: lessons are proposed, published, handed to the next worker, and held to what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.domain.lessons import (
    MOST_HANDED,
    REFUTED_ENOUGH,
    Lesson,
    LessonState,
    bounded,
    parse_lesson,
)
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.enqueueing import json_text
from watchkeeper.services.holding import Claim, job_row
from watchkeeper.services.operations import as_uuid
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row


@dataclass(frozen=True, slots=True)
class Learnt:
    """The lesson that a document is; `is_new` unless it was known."""

    id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Who says what was learnt, and from what; `published_by` a rule whose template says it, None to propose it."""

    actor: str
    job_id: UUID | None = None
    incident_id: UUID | None = None
    published_by: str | None = None
    reason: str | None = None


async def add_lesson(connection: Connection, project_id: str, lesson: Lesson, source: Source) -> Learnt:
    """Keep a lesson, in the caller's transaction; its texts must be redacted."""
    row = await fetch_row(
        connection,
        "add_lesson",
        {
            "project_id": project_id,
            "ai_native_project_id": lesson.ai_native_project_id,
            "job_id": source.job_id,
            "incident_id": source.incident_id,
            "topic_key": lesson.topic_key,
            "learned": list(lesson.learned),
            "next_worker_should_check": list(lesson.next_worker_should_check),
            "assumptions_to_test": list(lesson.assumptions_to_test),
            "next_round": list(lesson.next_round),
            "upgrade_trigger": lesson.upgrade_trigger,
            "kind": lesson.kind,
            "rule": lesson.rule,
            "route_kind": lesson.route_kind,
            "route_pool": lesson.route_pool,
            "actor": source.actor,
            "document": json_text(lesson.document, "document"),
            "digest": lesson.digest,
            "published_by": source.published_by,
            "reason": source.reason,
        },
    )
    return Learnt(row["id"], row["is_new"])


async def hand_out(connection: Connection, project_id: str, claim: Claim) -> list[dict[str, Any]]:
    """Give the lessons for the worker of a claimed job, few and short, and write down that it was handed them."""
    asked = {"project_id": project_id, "seq": claim.seq}
    bounds = {"most": MOST_HANDED, "refuted_enough": REFUTED_ENOUGH}
    lessons = bounded(await fetch(connection, "lessons_for_job", {**asked, **bounds}))
    if lessons:
        handed = {
            "lessons": [lesson["id"] for lesson in lessons],
            "job_id": claim.job_id,
            "epoch": claim.epoch,
        }
        await fetch(connection, "note_lesson_uses", {**asked, **handed})
    return lessons


@dataclass(frozen=True, slots=True)
class Lessons:
    """The lessons of one database."""

    database: Database
    redactor: Redactor

    async def learn(self, project_id: str, document: Any, *, actor: str, reason: str | None = None) -> Learnt:
        """Keep a document as a proposed lesson, without its secrets; raise UsageError for one that is no lesson.

        `job_id` is a job of ours by its id or foreign id, or the id of one elsewhere.
        """
        lesson = parse_lesson(self.redactor.redact_data(document))
        async with self.database.transaction() as connection:
            job_id = None
            if lesson.job is not None:
                row = await job_row(connection, project_id, lesson.job)
                job_id = as_uuid(lesson.job) if row is None else row["id"]
            return await add_lesson(connection, project_id, lesson, Source(actor, job_id, reason=reason))

    async def list(
        self,
        project_id: str,
        *,
        state: LessonState | None = None,
        topic_key: str | None = None,
        kind: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page (None at the end)."""
        asked = {"project_id": project_id, "state": state, "topic_key": topic_key, "kind": kind}
        rows = await self.database.fetch("list_lessons", {**asked, "before": before, "limit": limit + 1})
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, lesson_id: UUID) -> Row:
        """Give one with all that it says; `document` is what was imported. Raise NotFound."""
        row = await self.database.fetch_one("find_lesson", {"project_id": project_id, "id": lesson_id})
        if row is None:
            raise NotFound("there is no such lesson here")
        return row

    async def publish(self, project_id: str, lesson_id: UUID, *, actor: str, reason: str | None) -> Row:
        """Let a lesson be handed out; raise NotFound, or Conflict where it is published already."""
        return await self._move("publish_lesson", project_id, lesson_id, actor, reason)

    async def retire(self, project_id: str, lesson_id: UUID, *, actor: str, reason: str | None) -> Row:
        """Let a lesson be handed out no more; raise NotFound, or UsageError without a reason."""
        if not reason:
            raise UsageError("who retires a lesson says why")
        return await self._move("retire_lesson", project_id, lesson_id, actor, reason)

    async def _move(
        self, query: str, project_id: str, lesson_id: UUID, actor: str, reason: str | None
    ) -> Row:
        asked = {"project_id": project_id, "id": lesson_id, "actor": actor}
        moved = await self.database.fetch(query, {**asked, "reason": self.redactor.kept_if_any(reason)})
        lesson = await self.show(project_id, lesson_id)
        if not moved:
            raise Conflict(f"this lesson is already {lesson['state']}")
        return lesson
