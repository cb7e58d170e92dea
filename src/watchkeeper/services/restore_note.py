"""What a home says of its own restored database while that is stopped, and cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchkeeper.services.standstill import standing_still
from watchkeeper.settings import Settings

NAME = "restored"
BROKEN_OFF = "a restore into this database was begun and is not over: start 'watchkeeper db restore' again"


@dataclass(frozen=True, slots=True)
class RestoreNote:
    """A line in the home, from the first change of a restore until `db resume`. The database itself decides."""

    path: Path

    @classmethod
    def of(cls, settings: Settings) -> RestoreNote:
        return cls(settings.home / NAME)

    def broken_off(self) -> None:
        """Say that a restore is under way; what dies in it leaves this behind."""
        self.path.write_text(BROKEN_OFF + "\n", encoding="utf-8")

    def stands_still(self, taken_at: datetime) -> None:
        self.path.write_text(standing_still({"taken_at": taken_at}) + "\n", encoding="utf-8")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    def read(self) -> str | None:
        """Give what it says; None where nothing was restored, or it was resumed."""
        try:
            return self.path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None
