"""What a supervisor tells of its sessions, and to whom: where they are recorded, and where the facts come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from watchkeeper.domain.sessions.diagnosis import Diagnosis
from watchkeeper.domain.sessions.facts import SessionFact


class SessionLog(Protocol):
    """What is recorded of one session: all turns of one attempt. No call blocks, raises or keeps a turn waiting."""

    def note(self, facts: Mapping[str, Any]) -> None:
        """Tell what holds from now on, by the columns of agent_sessions: thread, version, tokens, cost, identity ..."""
        ...

    def take(self, at: float, fact: SessionFact) -> None:
        """Tell one fact in the order in which it was seen; `at` is Unix time. Its texts are redacted already."""
        ...

    def diagnosed(self, at: float, diagnosis: Diagnosis) -> None:
        """Tell what is held of the session whenever that changes."""
        ...

    def over(self, facts: Mapping[str, Any]) -> None:
        """Tell that it is over, and how: exit code or signal, failure class, what was left."""
        ...


class SessionRecords(Protocol):
    """Where sessions are recorded. One for a supervisor."""

    def begin(self, job: Mapping[str, Any], lease: str, facts: Mapping[str, Any]) -> SessionLog:
        """Begin the record of an attempt's session; an adopted one is gone on with."""
        ...


class Unrecorded:
    """A record that keeps nothing: what is on disk is all there is."""

    def begin(self, *_: Any) -> SessionLog:
        return self

    def note(self, facts: Mapping[str, Any]) -> None: ...

    def take(self, at: float, fact: SessionFact) -> None: ...

    def diagnosed(self, at: float, diagnosis: Diagnosis) -> None: ...

    def over(self, facts: Mapping[str, Any]) -> None: ...
