"""The settings that a process goes by now: those it was started with, but for the few that a new document changes."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from watchkeeper.settings import Settings, told_by

RELOADED = frozenset(
    {
        *("gate_http_statuses", "on_gate_failed"),
        *("job_retention_days", "output_retention_days", "event_retention_days", "orphan_retention_hours"),
    }
)
"""What sections of the document say; all else holds from the next start of a process on."""

_USUAL: dict[str, Any] = {
    field.name: field.default for field in fields(Settings) if field.default is not MISSING
}


class SettingsInForce:
    """Holds them; called, it gives them as they are at this moment."""

    def __init__(self, settings: Settings) -> None:
        self._now = settings

    def __call__(self) -> Settings:
        return self._now

    def take(self, document: Path) -> None:
        """Go by what a document tells now; raise SettingError, and change nothing, where a setting is wrong."""
        told = told_by(document)
        free = RELOADED - self._now.pinned
        self._now = replace(self._now, **{name: told.get(name, _USUAL[name]) for name in free})
