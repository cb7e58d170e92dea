"""The console's sessions and invitations to it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.logins import LinkBody, LoginsInviteAnswer, LoginsSessionsAnswer
from watchkeeper.client.types.shared import Answer


class LoginsSessionsSaid(TypedDict, total=False):
    project: str


class LoginsEndSaid(TypedDict, total=False):
    reason: str
    project: str
    idempotency_key: str
    dry_run: bool


class LoginsInviteSaid(LinkBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_SESSIONS = Operation("GET", "/api/console-sessions")

_END = Operation("DELETE", "/api/console-sessions/{session}", ("reason",), takes_key=True)

_INVITE = Operation("POST", "/api/login-links", (), takes_key=True)


class LoginsGroup(Group):
    """The console's sessions and invitations to it."""

    def sessions(self, **said: Unpack[LoginsSessionsSaid]) -> LoginsSessionsAnswer:
        """List one's own living sessions in browsers, the last used first."""
        return cast("LoginsSessionsAnswer", self._connection.json(_SESSIONS, {}, said))

    def end(self, session: str, **said: Unpack[LoginsEndSaid]) -> Answer:
        """End one of one's own sessions."""
        return cast("Answer", self._connection.json(_END, {"session": session}, said))

    def invite(self, **said: Unpack[LoginsInviteSaid]) -> LoginsInviteAnswer:
        """Make a link that logs another person in, once."""
        return cast("LoginsInviteAnswer", self._connection.json(_INVITE, {}, said))
