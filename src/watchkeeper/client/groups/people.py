"""Questions to people, and their answers.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.people import (
    AnswerBody,
    PeopleAnswerAnswer,
    PeopleAskAnswer,
    PeopleListAnswer,
    PeoplePeopleSync,
    PeopleRecordReplyAnswer,
    PeopleShowAnswer,
    QuestionBody,
    ReplyBody,
)


class PeopleRecordReplySaid(ReplyBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class PeopleListSaid(TypedDict, total=False):
    unanswered: bool
    limit: int
    cursor: str | None
    project: str


class PeopleAskSaid(QuestionBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class PeopleShowSaid(TypedDict, total=False):
    project: str


class PeopleAnswerSaid(AnswerBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_RECORD_REPLY = Operation("POST", "/api/operator-replies", (), takes_key=True)

_LIST = Operation("GET", "/api/people-syncs", ("unanswered", "limit", "cursor"))

_ASK = Operation("POST", "/api/people-syncs", (), takes_key=True)

_SHOW = Operation("GET", "/api/people-syncs/{sync_id}")

_ANSWER = Operation("POST", "/api/people-syncs/{sync_id}/answer", (), takes_key=True)


class PeopleGroup(Group):
    """Questions to people, and their answers."""

    def record_reply(self, **said: Unpack[PeopleRecordReplySaid]) -> PeopleRecordReplyAnswer:
        """Record an operator's reply to a question that was asked elsewhere, with the same effects."""
        return cast("PeopleRecordReplyAnswer", self._connection.json(_RECORD_REPLY, {}, said))

    def list(self, **said: Unpack[PeopleListSaid]) -> PeopleListAnswer:
        """List who was asked what, the newest first."""
        return cast("PeopleListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[PeopleListSaid]) -> Iterator[PeoplePeopleSync]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "people_syncs")

    def ask(self, **said: Unpack[PeopleAskSaid]) -> PeopleAskAnswer:
        """Write down who is asked what until when."""
        return cast("PeopleAskAnswer", self._connection.json(_ASK, {}, said))

    def show(self, sync_id: str, **said: Unpack[PeopleShowSaid]) -> PeopleShowAnswer:
        """Give one question with its answer and what came of it."""
        return cast("PeopleShowAnswer", self._connection.json(_SHOW, {"sync_id": sync_id}, said))

    def answer(self, sync_id: str, **said: Unpack[PeopleAnswerSaid]) -> PeopleAnswerAnswer:
        """Record an answer."""
        return cast("PeopleAnswerAnswer", self._connection.json(_ANSWER, {"sync_id": sync_id}, said))
