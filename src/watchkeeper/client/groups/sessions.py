"""What agents do in their sessions: told by their supervisor, read by people.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.sessions import (
    Session,
    SessionBody,
    SessionEventsBody,
    SessionsEventsAnswer,
    SessionsInterruptSessionAnswer,
    SessionsLinesAnswer,
    SessionsListAnswer,
    SessionsShowAnswer,
    SessionsTellAnswer,
    SessionsTellEventsAnswer,
)
from watchkeeper.client.types.shared import ReasonBody


class SessionsListSaid(TypedDict, total=False):
    job: str | None
    worker: str | None
    live: bool | None
    cursor: str | None
    limit: int
    format: Literal["json", "csv"]
    project: str


class SessionsShowSaid(TypedDict, total=False):
    project: str


class SessionsEventsSaid(TypedDict, total=False):
    after: int
    wait: float
    limit: int
    project: str


class SessionsInterruptSessionSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class SessionsLinesSaid(TypedDict, total=False):
    kind: list[Literal["say", "tool", "error", "contract", "state"]] | None
    find: str | None
    before: int | None
    limit: int
    project: str


class SessionsTellSaid(SessionBody, total=False):
    project: str
    lease: str


class SessionsTellEventsSaid(SessionEventsBody, total=False):
    project: str
    lease: str


_LIST = Operation("GET", "/api/sessions", ("job", "worker", "live", "cursor", "limit", "format"))

_SHOW = Operation("GET", "/api/sessions/{session_id}")

_EVENTS = Operation("GET", "/api/sessions/{session_id}/events", ("after", "wait", "limit"))

_INTERRUPT_SESSION = Operation("POST", "/api/sessions/{session_id}/interrupt", (), takes_key=True)

_LINES = Operation("GET", "/api/sessions/{session_id}/lines", ("kind", "find", "before", "limit"))

_TELL = Operation("POST", "/api/worker/jobs/{job}/session")

_TELL_EVENTS = Operation("POST", "/api/worker/jobs/{job}/session/events")


class SessionsGroup(Group):
    """What agents do in their sessions: told by their supervisor, read by people."""

    def list(self, **said: Unpack[SessionsListSaid]) -> SessionsListAnswer:
        """List agent sessions, the newest first, a page at a time."""
        return cast("SessionsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[SessionsListSaid]) -> Iterator[Session]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "sessions")

    def show(self, session_id: str, **said: Unpack[SessionsShowSaid]) -> SessionsShowAnswer:
        """Show one session."""
        return cast("SessionsShowAnswer", self._connection.json(_SHOW, {"session_id": session_id}, said))

    def events(self, session_id: str, **said: Unpack[SessionsEventsSaid]) -> SessionsEventsAnswer:
        """Give a session's events in order, or wait for them."""
        return cast("SessionsEventsAnswer", self._connection.json(_EVENTS, {"session_id": session_id}, said))

    def interrupt_session(
        self, session_id: str, **said: Unpack[SessionsInterruptSessionSaid]
    ) -> SessionsInterruptSessionAnswer:
        """Have a session's turn cut."""
        return cast(
            "SessionsInterruptSessionAnswer",
            self._connection.json(_INTERRUPT_SESSION, {"session_id": session_id}, said),
        )

    def lines(self, session_id: str, **said: Unpack[SessionsLinesSaid]) -> SessionsLinesAnswer:
        """Give the newest events of a session, of some kinds or with some text."""
        return cast("SessionsLinesAnswer", self._connection.json(_LINES, {"session_id": session_id}, said))

    def tell(self, job: str, **said: Unpack[SessionsTellSaid]) -> SessionsTellAnswer:
        """Begin an agent session of an attempt, say how it stands, or that it ended."""
        return cast("SessionsTellAnswer", self._connection.json(_TELL, {"job": job}, said))

    def tell_events(self, job: str, **said: Unpack[SessionsTellEventsSaid]) -> SessionsTellEventsAnswer:
        """Tell what a session was seen to do."""
        return cast("SessionsTellEventsAnswer", self._connection.json(_TELL_EVENTS, {"job": job}, said))
