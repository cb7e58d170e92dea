"""Agent sessions: what is told of them, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.services.session_reading import SessionReading
from watchkeeper.services.session_recording import SessionRecording


@dataclass(frozen=True, slots=True)
class SessionParts:
    """The services of agent sessions."""

    recording: SessionRecording
    reading: SessionReading


def session_parts(core: Core) -> SessionParts:
    """Put them together."""
    return SessionParts(
        SessionRecording(core.database, core.redactor), SessionReading(core.database, core.redactor)
    )
