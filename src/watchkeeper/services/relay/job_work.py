"""The work on a foreign job: a command in a workspace of its own, and what it leaves there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from watchkeeper.agents.artifacts import ArtifactRefused, ProducedFile, files_in, gather
from watchkeeper.agents.command import Claim, judge
from watchkeeper.agents.session import Session, SessionError, SessionSpec
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.heartbeat_steps import Answer, Call, Worked
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.work_place import WorkPlace, handed_over
from watchkeeper.services.supervision.output_watch import OutputWatch

LOOK_SECONDS = 0.1

Commands = Callable[[HeldJob], Sequence[str]]
"""Gives the command for a job; raises UsageError where there is none."""


class JobWork:
    """One attempt at one job. `files` are those that are to be uploaded, once it is done."""

    def __init__(
        self,
        places: WorkPlace,
        commands: Commands,
        redactor: Redactor,
        hard_cap_seconds: float,
        artifact_limit_bytes: int,
    ) -> None:
        self._places = places
        self._commands = commands
        self._redactor = redactor
        self._cap = hard_cap_seconds
        self._limit = artifact_limit_bytes
        self._session: Session | None = None
        self.workspace = Path()
        self.summary: str | None = None
        self.files: tuple[ProducedFile, ...] = ()

    async def look(self, held: HeldJob) -> Worked | None:
        """Start the work, or wait a moment for it; None while it goes on."""
        if self._session is None:
            try:
                await asyncio.to_thread(self._start, held)
            except (UsageError, SessionError, OSError) as error:
                return Worked(is_done=False, detail=f"the work could not be started: {error}")
        session = self._session
        if session is None or not await asyncio.to_thread(session.wait, LOOK_SECONDS):
            return None
        return await asyncio.to_thread(self._finish, session, held)

    def arguments(self, call: Call, held: HeldJob) -> list[str] | None:  # noqa: ARG002 - a command asks for nothing
        return None

    def is_at_work(self) -> bool:
        return True

    def answer(self, answer: Answer) -> bool:  # noqa: ARG002 - a command waits for no answer
        return False

    async def stop(self) -> None:
        """End whatever lives of it; safe to repeat."""
        if self._session is not None and self._session.swept() is None:
            await asyncio.to_thread(self._session.prove_gone)

    def _start(self, held: HeldJob) -> None:
        command = self._commands(held)
        order = self._places.order(held)
        directory, workspace = self._places.prepare(order)
        self.workspace = workspace.path
        told = json.dumps(order.record, ensure_ascii=False, default=str) + "\n"
        self._session = Session.start(
            SessionSpec(
                directory=directory,
                command=command,
                environment=workspace.environment,
                workspace=workspace.path,
                user=self._places.workspaces.user,
                home=self._places.place.home,
                stdin=self._places.write_stdin(directory, told),
                hard_cap_seconds=self._cap,
                facts={"job": held.id},
            )
        )

    def _finish(self, session: Session, held: HeldJob) -> Worked:
        if session.swept() is None:
            session.prove_gone()
        session.close()
        watch = OutputWatch(session, session.directory, Redactor())
        watch.finish()
        verdict = judge(session.ended(), self._redactor.redact(watch.tail("stderr")))
        if verdict.claim is not Claim.SUCCESS:
            return Worked(is_done=False, detail=verdict.reason)
        try:
            self._gather(held)
        except ArtifactRefused as refused:
            return Worked(is_done=False, detail=refused.message)
        return Worked(is_done=True, has_files=bool(self.files))

    def _gather(self, held: HeldJob) -> None:
        """Read artifacts.json, or take the files that lie there for the results."""
        gathered = gather(self.workspace, self._limit)
        self.summary = gathered.summary
        self.files = handed_over(held, gathered, files_in(self.workspace, self._limit))
