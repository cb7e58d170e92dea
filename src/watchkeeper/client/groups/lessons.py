"""What was learnt.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.lessons import (
    Lesson,
    LessonsLearnAnswer,
    LessonsListAnswer,
    LessonsPublishAnswer,
    LessonsRetireAnswer,
    LessonsShowAnswer,
    LessonState,
)
from watchkeeper.client.types.shared import DecisionBody, ReasonBody


class LessonsListSaid(TypedDict, total=False):
    state: LessonState | None
    topic: str | None
    kind: str | None
    limit: int
    cursor: str | None
    format: Literal["json", "csv"]
    project: str


class LessonsLearnSaid(TypedDict, total=False):
    reason: str | None
    project: str
    idempotency_key: str
    dry_run: bool


class LessonsShowSaid(TypedDict, total=False):
    project: str


class LessonsPublishSaid(DecisionBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class LessonsRetireSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


_LIST = Operation("GET", "/api/lessons", ("state", "topic", "kind", "limit", "cursor", "format"))

_LEARN = Operation("POST", "/api/lessons", ("reason",), takes_key=True)

_SHOW = Operation("GET", "/api/lessons/{lesson_id}")

_PUBLISH = Operation("POST", "/api/lessons/{lesson_id}/publish", (), takes_key=True)

_RETIRE = Operation("POST", "/api/lessons/{lesson_id}/retire", (), takes_key=True)


class LessonsGroup(Group):
    """What was learnt."""

    def list(self, **said: Unpack[LessonsListSaid]) -> LessonsListAnswer:
        """List lessons, the newest first."""
        return cast("LessonsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[LessonsListSaid]) -> Iterator[Lesson]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "lessons")

    def learn(self, body: dict[str, Any], **said: Unpack[LessonsLearnSaid]) -> LessonsLearnAnswer:
        """Keep a lesson's document, proposed until a person publishes it."""
        return cast("LessonsLearnAnswer", self._connection.json(_LEARN, {}, said, body))

    def show(self, lesson_id: str, **said: Unpack[LessonsShowSaid]) -> LessonsShowAnswer:
        """Give one lesson."""
        return cast("LessonsShowAnswer", self._connection.json(_SHOW, {"lesson_id": lesson_id}, said))

    def publish(self, lesson_id: str, **said: Unpack[LessonsPublishSaid]) -> LessonsPublishAnswer:
        """Let a lesson be handed to workers."""
        return cast("LessonsPublishAnswer", self._connection.json(_PUBLISH, {"lesson_id": lesson_id}, said))

    def retire(self, lesson_id: str, **said: Unpack[LessonsRetireSaid]) -> LessonsRetireAnswer:
        """Hand a lesson out no more."""
        return cast("LessonsRetireAnswer", self._connection.json(_RETIRE, {"lesson_id": lesson_id}, said))
