"""The one `up` of a home: who it is, how others find it, and how they ask it to stop."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.domain.errors import Conflict
from watchkeeper.interfaces.cli.parent import LIVING

LOCK = "up.lock"
STEP_SECONDS = 0.05
LEFTOVER_SECONDS = 30.0
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunningUp:
    """An `up` that runs now; `url` is None until it is ready."""

    pid: int
    url: str | None


@contextmanager
def sole_up(home: Path) -> Iterator[Callable[[str], None] | None]:
    """Be the one `up` of a home for the block: gives what publishes its address, or None where another runs."""
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _lock(descriptor):
            yield None
            return

        def publish(url: str | None) -> None:
            text = json.dumps({"pid": os.getpid(), "url": url}).encode()
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))

        publish(None)
        yield publish
    finally:
        os.close(descriptor)


def find_up(home: Path) -> RunningUp | None:
    """Give the `up` that runs on this home; None where none does."""
    try:
        descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _lock(descriptor):
            return None
        said = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        return RunningUp(int(said.get("pid", 0)), said.get("url"))
    except ValueError:
        # It has begun this very moment, and writes its name.
        return RunningUp(0, None)
    finally:
        os.close(descriptor)


def stop_up(home: Path) -> bool:
    """Ask the `up` of this home to stop and wait until it has; False where none runs.

    Raises Conflict when it goes on after a minute.
    """
    asked: int | None = None
    deadline = time.monotonic() + STOP_SECONDS
    while (up := find_up(home)) is not None:
        if up.pid and up.pid != asked:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(up.pid, signal.SIGTERM)
            asked = up.pid
        if time.monotonic() > deadline:
            raise Conflict(f"'up' (pid {up.pid}) still runs a minute after it was asked to stop")
        time.sleep(STEP_SECONDS)
    return asked is not None


def wait_for_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """Wait until the processes of an `up` that was killed have ended, too; raise Conflict when they do not."""
    descriptor = os.open(home / LIVING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LEFTOVER_SECONDS
        told = False
        while not _lock(descriptor):
            if not told:
                say("waiting for the processes of an earlier run to end")
                told = True
            if time.monotonic() > deadline:
                raise Conflict(
                    f"processes of an earlier run in {home} are still there",
                    hint="See 'ps -ef | grep watchkeeper', and end them.",
                )
            time.sleep(STEP_SECONDS)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
