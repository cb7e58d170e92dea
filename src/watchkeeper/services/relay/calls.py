"""Runs commands of a foreign helper: each in a session of its own, of which nothing is left behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.agents.records import STDERR, STDOUT
from watchkeeper.agents.session import EndReason, Session, SessionSpec
from watchkeeper.agents.user import own_user
from watchkeeper.domain.helper_answers import HelperRun
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.domain.variables import PREFIX
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.relay.place import HelperPlace

READ_BYTES = 4 * 1024 * 1024
"""Of an output the last part of this size is read: an answer stands at its end."""

OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class HelperCalls:
    """One helper's program. `words` are the command line that the contract's command is put behind."""

    words: Sequence[str]
    config: HelperConfig
    place: HelperPlace

    async def start(self, command: str, arguments: Sequence[str]) -> RunningCall:
        """Start a command; raises SessionError or OSError where it cannot be run at all."""
        spec = SessionSpec(
            directory=self.place.new_call(command),
            command=[*self.words, command, *arguments],
            environment=environment_of(os.environ),
            workspace=Path.cwd(),
            user=own_user(),
            home=self.place.home,
            grace_seconds=self.config.grace_seconds,
            kill_seconds=self.config.kill_seconds,
            output_limit_bytes=OUTPUT_LIMIT_BYTES,
            facts={"command": command},
        )
        session = await asyncio.to_thread(Session.start, spec)
        limit = self.config.claim_seconds if command == "claim" else self.config.answer_seconds
        return RunningCall(session, command, limit, self.config.linger_seconds)


class RunningCall:
    """One command that was started. It has `limit_seconds` to print JSON; with JSON a little longer to end."""

    def __init__(self, session: Session, command: str, limit_seconds: float, linger_seconds: float) -> None:
        self.session = session
        self.command = command
        self._deadline = boot_clock() + limit_seconds
        self._linger = linger_seconds
        self._size = 0
        self._changed_at = boot_clock()
        self._was_ended = False

    async def wait(self, is_lease_near: Callable[[], bool] = lambda: False) -> HelperRun | None:
        """Wait for the end, sweep included, and end it in time; None as soon as the lease is near its end."""
        while not await asyncio.to_thread(self.session.wait, LOOK_SECONDS):
            if not self._was_ended and self._is_late():
                self._was_ended = True
                self.session.interrupt(f"{self.command} gave no answer in time")
            if is_lease_near():
                return None
        await self.end()
        return self.result()

    async def end(self) -> None:
        """End whatever lives of it."""
        report = self.session.swept()
        if report is None:
            report = await asyncio.to_thread(self.session.prove_gone)
        self.session.close()
        if not report.gone:
            log("processes_left", command=self.command, left=list(report.left), note=report.note)

    def result(self) -> HelperRun:
        """Give what it printed by now, and how it ended."""
        end = self.session.ended()
        code = None if end is None or self._was_ended else end.exit_code
        if code is None and end is not None and end.signal is not None and not self._was_ended:
            code = 128 + end.signal
        error = "" if end is None else end.error
        stderr = f"{self._text(STDERR)}{error}"
        run = HelperRun(self.command, code, self._text(STDOUT), stderr, was_ended=self._was_ended)
        never_ran = end is not None and end.reason is EndReason.NOT_STARTED
        return replace(run, start_error=error or EndReason.NOT_STARTED.value) if never_ran else run

    def _is_late(self) -> bool:
        now, size = boot_clock(), self._path(STDOUT).stat().st_size if self._path(STDOUT).exists() else 0
        if size != self._size:
            self._size, self._changed_at = size, now
        if now < self._deadline:
            return False
        return now >= self._changed_at + self._linger or last_object(self._text(STDOUT)) is None

    def _path(self, name: str) -> Path:
        return self.session.directory / name

    def _text(self, name: str) -> str:
        try:
            with self._path(name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - READ_BYTES))
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""


def environment_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Give what a helper may know: all that we were given but what is ours, our token above all."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
