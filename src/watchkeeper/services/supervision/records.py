"""What a supervisor keeps of each attempt on disk, so that whoever comes after it can go on.

`<home>/sessions/<worker>/<job>-<epoch>/`, 0700: `lease.json` before all else, the session's own directory (those of
earlier turns beside it), `thread.json` for an agent that converses, `kept.json` for an end that it could not tell,
`end.json` before the end is reported, `reported.json` after. Each is written whole and synced.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.agents import records
from watchkeeper.logs import log

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
LEASE = "lease.json"
END = "end.json"
KEPT = "kept.json"
THREAD = "thread.json"
STDIN = "stdin"
REPORTED = "reported.json"


@dataclass(frozen=True)
class AttemptRecords:
    """One attempt's directory."""

    directory: Path

    @classmethod
    def make(cls, place: Path, job: str, epoch: int, lease: dict[str, Any]) -> AttemptRecords:
        """Make the directory and keep the lease in it; raise OSError, FileExistsError for one that is known."""
        directory = place / f"{job if SAFE.fullmatch(job) else job.encode().hex()[:80]}-{epoch}"
        directory.mkdir(mode=0o700)
        made = cls(directory)
        try:
            records.write_record(directory / LEASE, lease)
        except OSError:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return made

    @property
    def home(self) -> Path:
        """Give the home of the workers whose attempts may be at the same jobs."""
        return self.directory.parents[2]

    @property
    def job_name(self) -> str:
        """Give the part of the name that all attempts at one job share."""
        return self.directory.name.rpartition("-")[0]

    @property
    def epoch(self) -> int:
        return int(self.directory.name.rpartition("-")[2])

    @property
    def session(self) -> Path:
        return self.directory / "session"

    @property
    def earlier_sessions(self) -> list[Path]:
        """Give the sessions of earlier turns, in their order; all are over."""
        return sorted(self.directory.glob("session-*"), key=lambda path: int(path.name.rpartition("-")[2]))

    def set_session_aside(self) -> None:
        """Make room for the session of a further turn; what the last one said goes with it."""
        for copy in self.directory.glob("*.redacted"):
            copy.rename(self.session / copy.name)
        self.session.rename(self.directory / f"session-{len(self.earlier_sessions) + 1}")
        records.sync_directory(self.directory)

    @property
    def is_over(self) -> bool:
        """Say whether the server knows how it ended."""
        return (self.directory / REPORTED).exists()

    @property
    def over_at(self) -> float:
        """Give when the server came to know the end, as Unix time; only for one that is over."""
        return (self.directory / REPORTED).stat().st_mtime

    def lease(self) -> dict[str, Any] | None:
        return records.read_record(self.directory / LEASE)

    def note(self, **more: Any) -> None:
        """Add facts to the lease's record: the workspace and the job token, once they are there."""
        records.write_record(self.directory / LEASE, (self.lease() or {}) | more)

    def thread(self) -> dict[str, Any] | None:
        return records.read_record(self.directory / THREAD)

    def write_thread(self, thread: dict[str, Any]) -> None:
        records.write_record(self.directory / THREAD, thread)

    def keep_thread(self, thread: dict[str, Any]) -> None:
        """Write it while a turn runs: a disk that is full must not end what works."""
        try:
            self.write_thread(thread)
        except OSError as error:
            log("thread_not_kept", attempt=self.directory.name, detail=str(error))

    def forget_thread(self) -> None:
        (self.directory / THREAD).unlink(missing_ok=True)

    def write_stdin(self, text: str) -> Path:
        """Keep what a turn's agent is to read, 0600, and give where."""
        path = self.directory / STDIN
        path.unlink(missing_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text.encode("utf-8", "replace").decode())
        return path

    def kept(self) -> dict[str, Any] | None:
        return records.read_record(self.directory / KEPT)

    def write_kept(self, end: dict[str, Any]) -> None:
        records.write_record(self.directory / KEPT, end)

    def drop_kept(self) -> None:
        (self.directory / KEPT).unlink(missing_ok=True)

    def end(self) -> dict[str, Any] | None:
        return records.read_record(self.directory / END)

    def write_end(self, end: dict[str, Any]) -> None:
        records.write_record(self.directory / END, end)

    def write_reported(self, answer: dict[str, Any]) -> None:
        records.write_record(self.directory / REPORTED, answer)


def attempts_in(place: Path) -> list[AttemptRecords]:
    """Give the attempts of one worker's place, oldest first."""
    if not place.is_dir():
        return []
    found = [path for path in place.iterdir() if (path / LEASE).is_file()]
    return [AttemptRecords(path) for path in sorted(found, key=lambda path: path.stat().st_mtime)]


def attempts_at(home: Path) -> Iterator[AttemptRecords]:
    """Give the attempts of every worker of a home."""
    for place in sorted((home / "sessions").glob("*/")):
        yield from attempts_in(place)
