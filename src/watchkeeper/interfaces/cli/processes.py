"""The child processes of `up`: started, followed, started again when they die unexpectedly, and ended.

Each has a session of its own, so that Ctrl-C reaches `up` alone, which ends them in order; each writes to a file
of its own, which `up` reads along, so that a full or closed terminal holds nobody up.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.interfaces.cli.followed import Followed

RESTARTS = 5
RESTARTS_WITHIN_SECONDS = 60.0
FIRST_BACKOFF_SECONDS = 0.5
USAGE_EXIT = 2
"""A child that ends so was told something wrong: starting it again would not help."""

Say = Callable[[str, str], None]
"""Takes who speaks and what is said."""


@dataclass(frozen=True)
class Program:
    """What to run: a name for people, the command's arguments, and how long it may take to end when asked to.

    Without a `needed` one there is no point in going on; `environment` is added to that of all children.
    """

    name: str
    arguments: Sequence[str]
    grace_seconds: float = 8.0
    needed: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Child:
    """One program and the process that runs it now."""

    program: Program
    log: Path
    process: asyncio.subprocess.Process | None = None
    ended_at: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS))
    wanted: bool = True

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.returncode is None else None


class Processes:
    """The children of one `up`. `failed` is set when one cannot be kept running, with the reason in `failure`."""

    def __init__(self, logs: Path, environment: Mapping[str, str], say: Say) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._say = say
        self._keeping: dict[Child, asyncio.Task[None]] = {}
        self._ending: set[Child] = set()
        self.failed = asyncio.Event()
        self.failure = ""

    async def start(self, program: Program) -> Child:
        """Start a program and keep it running until it is stopped."""
        child = Child(program, self._logs / f"{program.name}.log")
        process = await self._spawn(child)
        self._keeping[child] = asyncio.create_task(self._keep(child, process), name=program.name)
        return child

    async def stop(self, child: Child) -> None:
        """Ask a child to end, and end it when it does not within its grace; safe to repeat."""
        await self._end(child, signal.SIGTERM)

    async def kill(self, child: Child) -> None:
        """End a child as a crash would, and do not start it again."""
        await self._end(child, signal.SIGKILL)

    async def stop_all(self) -> None:
        """End all children, workers first: they hand their jobs back to a living server."""
        for needed in (False, True):
            children = [child for child in self._keeping if child.program.needed is needed]
            await asyncio.gather(*(self.stop(child) for child in children))

    def hurry(self) -> None:
        """Ask all that still run once more to end: workers then do not wait for what they have begun."""
        for child in self._ending | set(self._keeping):
            _signal(child, signal.SIGTERM)

    async def _end(self, child: Child, number: signal.Signals) -> None:
        child.wanted = False
        task = self._keeping.pop(child, None)
        if task is None:
            return
        self._ending.add(child)
        _signal(child, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), child.program.grace_seconds)
        if not task.done():
            self._say(
                "up", f"{child.program.name} did not end within {child.program.grace_seconds:g} s; ending it"
            )
            _signal(child, signal.SIGKILL)
        await task
        self._ending.discard(child)

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        with child.log.open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "watchkeeper", *child.program.arguments, "--parent", str(os.getpid())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self._environment, **child.program.environment},
                start_new_session=True,
            )
        return child.process

    async def _keep(self, child: Child, process: asyncio.subprocess.Process) -> None:
        with Followed(child.log, lambda line: self._say(child.program.name, line)) as followed:
            while True:
                status = await followed.until(process.wait())
                pause = self._pause_after(child, status) if child.wanted else None
                if pause is None or not await self._still_wanted(child, pause):
                    return
                process = await self._spawn(child)

    async def _still_wanted(self, child: Child, pause: float) -> bool:
        await asyncio.sleep(pause)
        return child.wanted

    def _pause_after(self, child: Child, status: int) -> float | None:
        """Say how long to wait before the next start; None when there shall be none."""
        now = asyncio.get_running_loop().time()
        recent = [at for at in child.ended_at if now - at < RESTARTS_WITHIN_SECONDS]
        child.ended_at.append(now)
        how = f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}"
        told = f"{child.program.name} {how}; {child.log} has its last words"
        if status == USAGE_EXIT or len(recent) >= RESTARTS - 1:
            if child.program.needed:
                self.failure = told
                self.failed.set()
            else:
                self._say("up", f"{told}; giving it up, the rest goes on")
            return None
        pause = FIRST_BACKOFF_SECONDS * 2.0 ** len(recent)
        self._say("up", f"{told}; starting it again in {pause:g} s")
        return pause


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):  # it ended just now
            child.process.send_signal(number)
