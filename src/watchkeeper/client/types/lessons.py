"""Types: What was learnt.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Lesson(TypedDict):
    confirmed: NotRequired[int | None]
    document: NotRequired[dict[str, Any] | None]
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    learned: NotRequired[list[str] | None]
    refuted: NotRequired[int | None]
    state: NotRequired[str | None]
    topic_key: NotRequired[str | None]


LessonState = Literal["proposed", "published", "retired"]


class LessonsLearnAnswer(TypedDict):
    lesson: Lesson
    ok: bool


class LessonsListAnswer(TypedDict):
    lessons: list[Lesson]
    next_cursor: Any
    ok: bool


class LessonsPublishAnswer(TypedDict):
    lesson: Lesson
    ok: bool


class LessonsRetireAnswer(TypedDict):
    lesson: Lesson
    ok: bool


class LessonsShowAnswer(TypedDict):
    lesson: Lesson
    ok: bool
