"""A session as its supervisor sees it: start one, follow its output, ask for its end, adopt it.

All that a session is stands in its directory (docs/sessions.md), so a Session object can be lost and made
again. Calls here block for short times on files and processes; an event loop runs `start` and `prove_gone`
in a thread and waits for the end by `add_reader` on the session's `fileno()`.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from watchkeeper.agents import records, scope
from watchkeeper.agents.output import Follower
from watchkeeper.agents.spawning import Spawn, spawn_shim
from watchkeeper.agents.spec import SessionSpec, write_orders
from watchkeeper.agents.sweep import SweepReport, identity_in, prove_gone
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.host.processes import Identity, ProcReader
from watchkeeper.host.signals import Sent, has_ended, open_verified, send

__all__ = ["End", "EndReason", "Session", "SessionError", "SessionSpec", "Standing", "sessions_in"]

START_SECONDS = 20.0
"""How long a shim may need until the agent runs; it needs about 0.1 s on an idle machine."""


class SessionError(WatchkeeperError):
    """The session could not be started."""

    code = "internal_error"
    hint = "The session directory's shim.log tells more; the job can be tried again."


class EndReason(StrEnum):
    EXITED = "exited"
    HARD_CAP = "hard_cap"
    OUTPUT_LIMIT = "output_limit"
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not_started"
    SHIM_FAILED = "shim_failed"


class Standing(StrEnum):
    """Where a session is: `ended` is the agent's end with the sweep still under way."""

    RUNNING = "running"
    ENDED = "ended"
    FINISHED = "finished"
    LOST = "lost"


@dataclass(frozen=True)
class End:
    """How the agent ended; `exit_code` or `signal` is set, unless it never ran or was lost sight of."""

    reason: EndReason
    exit_code: int | None
    signal: int | None
    request: str
    error: str
    started_at: float
    ended_at: float
    wall_seconds: float
    cpu_seconds: float
    oom_kills: int | None


class Session:
    """One session, running or over."""

    def __init__(self, directory: Path, reader: ProcReader | None = None) -> None:
        self.directory = directory
        self._reader = reader or ProcReader()
        self._about = records.read_record(directory / records.SESSION) or {}
        self._pidfd: int | None = None

    @classmethod
    def start(cls, spec: SessionSpec, spawn: Spawn = spawn_shim) -> Self:
        """Start a session and return once the agent's program runs, or its start has failed (see `ended`).

        Blocks for about 0.1 s, `START_SECONDS` at most. Raises SessionError when no shim comes up, OSError
        when the directory cannot be made. Whatever is raised, nothing is left running.
        """
        spec.directory.mkdir(mode=0o700, parents=True)
        try:
            write_orders(spec)
            session = cls(spec.directory)
            session._await_start(spawn(spec.directory))
        except BaseException:
            prove_gone(spec.directory)
            raise
        return session

    @classmethod
    def adopt(cls, directory: Path) -> Self:
        """Take over a session that another supervisor started; `standing` tells what became of it.

        Whether the shim lives is decided by its boot id, pid namespace and start time. The lease is not
        looked at.
        """
        return cls(directory)

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self._about.get("facts", {}))

    @property
    def workspace(self) -> Path | None:
        return Path(self._about["workspace"]) if "workspace" in self._about else None

    @property
    def limits_held(self) -> tuple[str, ...]:
        """Give the limits that the kernel holds by the scope: of `memory`, `cpu`, `pids`."""
        return tuple(self._about.get("limits", ()))

    @property
    def standing(self) -> Standing:
        alive = self.alive
        if self.swept() is not None:
            return Standing.FINISHED
        if not alive:
            return Standing.LOST
        return Standing.RUNNING if self.ended() is None else Standing.ENDED

    @property
    def alive(self) -> bool:
        """Say whether the shim lives; takes in its exit status when it is a child of this process."""
        shim = self.shim
        if shim is None:
            return False
        process = self._reader.same(shim)
        if process is not None and not process.alive:
            with suppress(ChildProcessError):  # adopted: somebody else's child, who reaps it
                os.waitpid(shim.pid, os.WNOHANG)
        return process is not None and process.alive

    @property
    def shim(self) -> Identity | None:
        return identity_in(self.directory / records.SHIM, "shim")

    @property
    def agent(self) -> Identity | None:
        return identity_in(self.directory / records.STARTED, "agent")

    def ended(self) -> End | None:
        """Give the agent's end, None before it; the sweep may still be under way."""
        record = records.read_record(self.directory / records.ENDED)
        return None if record is None else End(**(record | {"reason": EndReason(record["reason"])}))

    def swept(self) -> SweepReport | None:
        """Give what the sweep after the end found; None before it is done."""
        record = records.read_record(self.directory / records.SWEPT)
        return None if record is None else SweepReport.from_record(record)

    def stdout(self, offset: int = 0) -> Follower:
        return Follower(self.directory / records.STDOUT, offset)

    def stderr(self, offset: int = 0) -> Follower:
        return Follower(self.directory / records.STDERR, offset)

    def interrupt(self, reason: str) -> bool:
        """Ask for the end: SIGTERM to the agent's group, grace, SIGKILL, sweep. False when the shim is gone.

        Returns at once. Safe to repeat; the first reason counts.
        """
        shim = self.shim
        if shim is None or not self.alive:
            return False
        path = self.directory / records.INTERRUPT
        if not path.exists():
            records.write_record(path, {"reason": reason, "at": time.time()})
        return send(shim, signal.SIGTERM, self._reader) is Sent.SENT

    def fileno(self) -> int:
        """Give a descriptor that turns readable when the shim ends; -1 when it has. `close` closes it."""
        if self._pidfd is None:
            shim = self.shim
            opened = Sent.GONE if shim is None else open_verified(shim, self._reader)
            self._pidfd = None if isinstance(opened, Sent) else opened
        return -1 if self._pidfd is None else self._pidfd

    def wait(self, timeout: float) -> bool:
        """Wait for the shim's end, sweep included; False when `timeout` seconds were not enough."""
        pidfd = self.fileno()
        over = pidfd == -1 or has_ended(pidfd, timeout)
        return over and not self.alive

    def prove_gone(self) -> SweepReport:
        """End whatever lives of it and say whether nothing is left; see `sweep.prove_gone` (blocks)."""
        report = prove_gone(self.directory, self._reader)
        self.close()
        return report

    def close(self) -> None:
        """Let go of it; the session itself goes on."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        self.alive  # noqa: B018 - takes in the exit status

    def remove_scope(self) -> bool:
        """Remove the scope of a session that is over; False while something stands in it."""
        place = self._about.get("scope")
        return not place or scope.Scope(Path(place)).remove()

    def discard(self) -> None:
        """Remove the session's directory and its empty scope; raises SessionError while it is alive."""
        if self.alive:
            raise SessionError("the session is still alive and cannot be discarded")
        self.close()
        self.remove_scope()
        shutil.rmtree(self.directory)

    def _await_start(self, pid: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not any((self.directory / name).exists() for name in (records.STARTED, records.ENDED)):
            if _has_died(pid) or time.monotonic() > deadline:
                raise SessionError("the session's shim did not come up", directory=str(self.directory))
            time.sleep(0.01)


def _has_died(shim: int) -> bool:
    """Say whether a shim that was just started has ended: our child, or the nursery's, which leaves no zombies."""
    try:
        return os.waitpid(shim, os.WNOHANG)[0] == shim
    except ChildProcessError:
        return not Path(f"/proc/{shim}").exists()


def sessions_in(directory: Path) -> list[Path]:
    """Give the session directories below, for a supervisor that has just started."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if (path / records.SESSION).is_file())
