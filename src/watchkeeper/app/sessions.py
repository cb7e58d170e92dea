"""Agent sessions: what is told of them, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.session_reading import SessionReading
from watchkeeper.services.session_recording import SessionRecording


@dataclass(frozen=True, slots=True)
class SessionParts:
    """The services of agent sessions."""

    recording: SessionRecording
    reading: SessionReading


def session_parts(core: Core, policy: Callable[[], Policy]) -> SessionParts:
    """Put them together."""
    recording = SessionRecording(core.database, core.redactor)
    return SessionParts(recording, SessionReading(core.database, core.redactor, policy))
