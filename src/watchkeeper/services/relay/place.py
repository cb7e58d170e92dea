"""What is kept on this machine about one guarded helper: its memory, its calls, and what could not be delivered yet.

All of it is private to this user, and written whole or not at all. One process at a time uses a place.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watchkeeper.agents.records import SESSION, read_record, sync_directory, write_record
from watchkeeper.agents.session import Session, Standing
from watchkeeper.domain.errors import Conflict, SettingError
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.logs import log

KEPT_CALLS = 100
"""So many ended calls keep their raw output here."""

LOCK_POLL_SECONDS = 0.05


class HelperPlace:
    """One helper's directory in a home."""

    def __init__(self, home: Path, helper: Sequence[str], worker_id: str) -> None:
        named = hashlib.sha256(json.dumps([*helper, worker_id]).encode()).hexdigest()[:12]
        self.home = home
        self.name = f"helper-{named}"
        self.directory = home / "helpers" / named
        self.reports = self.directory / "reports"
        self.outbox = self.directory / "outbox"
        self.proposals = self.directory / "proposals"
        self._calls = self.directory / "calls"

    @contextmanager
    def taken(self, wait_seconds: float) -> Iterator[None]:
        """Hold this place, and prove gone what a former holder left running; raises Conflict where it stays taken."""
        try:
            for folder in (self.reports, self.outbox, self.proposals, self._calls):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingError(f"{self.directory} cannot be written: {error.strerror}") from error
        try:
            _take(lock, time.monotonic() + wait_seconds)
            self._tidy()
            yield
        finally:
            os.close(lock)

    def memory(self) -> Memory:
        """Read what the last heartbeat or command left; a garbled record counts as none, and is told of."""
        kept = self.record("memory")
        if kept is None:
            return Memory()
        try:
            return Memory.from_json(kept)
        except (KeyError, TypeError, ValueError) as error:
            log("helper_memory_lost", directory=str(self.directory), detail=repr(error))
            return Memory()

    def keep_memory(self, memory: Memory) -> None:
        self.keep("memory", memory.to_json())

    def record(self, name: str) -> dict[str, Any] | None:
        """Give a record by its name; None where there is none."""
        return read_record(self.directory / f"{name}.json")

    def keep(self, name: str, record: dict[str, Any]) -> None:
        write_record(self.directory / f"{name}.json", record)

    def forget(self, name: str) -> None:
        (self.directory / f"{name}.json").unlink(missing_ok=True)

    def new_call(self, command: str) -> Path:
        """Name a directory for a call that is about to run; it is not made."""
        return self._calls / f"{time.time_ns():020}-{command}"

    def new_record(self, folder: Path, record: dict[str, Any]) -> Path:
        """Write a record behind those that are in a folder."""
        path = folder / f"{time.time_ns():020}-{os.urandom(2).hex()}.json"
        write_record(path, record)
        return path

    def waiting(self, folder: Path) -> list[Path]:
        """List a folder's records, the oldest first."""
        return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))

    def settle(self, path: Path, *, refused: bool) -> None:
        """Take a record out of its folder; a refused one is set aside for a person."""
        if refused:
            aside = path.parent / "refused"
            aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(aside / path.name)
        else:
            path.unlink(missing_ok=True)
        sync_directory(path.parent)

    def _tidy(self) -> None:
        calls = sorted(self._calls.iterdir())
        for directory in [*calls, *self.directory.glob("work/*")]:
            if (directory / SESSION).is_file() and Session.adopt(directory).standing is not Standing.FINISHED:
                Session.adopt(directory).prove_gone()
        for directory in calls[:-KEPT_CALLS]:
            shutil.rmtree(directory)


def _take(lock: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Conflict(
                    "another command of this helper and worker still runs",
                    hint="A contract worker runs one command after the other.",
                ) from None
            time.sleep(LOCK_POLL_SECONDS)
