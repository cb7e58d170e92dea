"""Types: Questions to people, and their answers.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NotRequired, TypedDict


class AnswerBody(TypedDict):
    """`answer` in the form `owner=..."""

    answer: str
    reason: NotRequired[str | None]


class PeopleAnswerAnswer(TypedDict):
    asks: list[str]
    next_question: NotRequired[str | None]
    ok: bool
    people_sync: NotRequired[PeoplePeopleSync | None]
    reply: NotRequired[PeopleReply | None]


class PeopleAskAnswer(TypedDict):
    ok: bool
    people_sync: PeoplePeopleSync


class PeopleListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    people_syncs: list[PeoplePeopleSync]


class PeoplePeopleSync(TypedDict):
    answer: NotRequired[str | None]
    due_at: NotRequired[str | None]
    effect: NotRequired[str | None]
    id: NotRequired[str | None]
    is_overdue: NotRequired[bool | None]
    person: NotRequired[str | None]
    question: NotRequired[str | None]


class PeopleRecordReplyAnswer(TypedDict):
    asks: list[str]
    next_question: NotRequired[str | None]
    ok: bool
    people_sync: NotRequired[PeoplePeopleSync | None]
    reply: NotRequired[PeopleReply | None]


class PeopleReply(TypedDict):
    adopt: NotRequired[str | None]


class PeopleShowAnswer(TypedDict):
    ok: bool
    people_sync: PeoplePeopleSync


class QuestionBody(TypedDict):
    """Who is asked what until when."""

    channel: NotRequired[str | None]
    due_at: NotRequired[datetime | str | None]
    incident_id: NotRequired[str | None]
    person: str
    proposal_id: NotRequired[str | None]
    question: str
    reason: NotRequired[str | None]
    signal_id: NotRequired[str | None]


class ReplyBody(TypedDict):
    """An operator's reply `owner=..."""

    person: NotRequired[str | None]
    proposal_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    text: str
