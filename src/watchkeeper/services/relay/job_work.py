"""The work on a foreign job: a command in a workspace of its own, and what it leaves there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from watchkeeper.agents.artifacts import ArtifactRefused, ProducedFile, files_in, gather
from watchkeeper.agents.command import Claim, judge
from watchkeeper.agents.session import Session, SessionError, SessionSpec
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.agents.workspace_files import JobOrder
from watchkeeper.domain.artifacts import guess_kind
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.handover import Handover
from watchkeeper.domain.heartbeat_steps import Worked
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.supervision.output_watch import OutputWatch

LOOK_SECONDS = 0.1
KEPT_WORKSPACES = 20
MOST_FILES = 200

Commands = Callable[[HeldJob], Sequence[str]]
"""Gives the command for a job; raises UsageError where there is none."""


class JobWork:
    """One attempt at one job. `files` are those that are to be uploaded, once it is done."""

    def __init__(
        self,
        place: HelperPlace,
        workspaces: Workspaces,
        commands: Commands,
        redactor: Redactor,
        hard_cap_seconds: float,
        artifact_limit_bytes: int,
    ) -> None:
        self._place = place
        self._workspaces = workspaces
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

    async def stop(self) -> None:
        """End whatever lives of it; safe to repeat."""
        if self._session is not None and self._session.swept() is None:
            await asyncio.to_thread(self._session.prove_gone)

    def _start(self, held: HeldJob) -> None:
        command = self._commands(held)
        self._forget_old()
        order = JobOrder(
            job_id=held.id,
            project_id=self._place.name,
            epoch=1,
            attempt=1,
            payload=held.record.get("payload"),
            record={key: value for key, value in held.record.items() if key != "lease_token"},
        )
        workspace = self._workspaces.prepare(order, os.environ)
        self.workspace = workspace.path
        directory = self._place.directory / "work" / self._place.new_call("work").name
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        given = directory.with_suffix(".json")
        given.write_text(json.dumps(order.record, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        given.chmod(0o600)
        self._session = Session.start(
            SessionSpec(
                directory=directory,
                command=command,
                environment=workspace.environment,
                workspace=workspace.path,
                user=self._workspaces.user,
                home=self._place.home,
                stdin=given,
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
        found = files_in(self.workspace, self._limit)[:MOST_FILES]
        if not gathered.declared:
            self.files = found
            held.handover = Handover.of_files([file.name for file in found])
            return
        files_of = {
            str(one.entry.get("path")): [file.name for file in one.files]
            for one in gathered.artifacts
            if one.files
        }
        named = [file for one in gathered.artifacts for file in one.files]
        wanted = _required_kinds(held.contract)
        spare = [file for file in found if file not in named and guess_kind(file.name).value in wanted]
        self.files = tuple(dict.fromkeys([*named, *spare]))
        held.handover = Handover([one.entry for one in gathered.artifacts], files_of)

    def _forget_old(self) -> None:
        jobs = self._workspaces.of_project(self._place.name)
        attempts = sorted(jobs.glob("*/*"), key=lambda path: path.lstat().st_mtime)
        for attempt in attempts[:-KEPT_WORKSPACES]:
            self._workspaces.remove(attempt)
        for session in sorted((self._place.directory / "work").glob("*-work"))[:-KEPT_WORKSPACES]:
            shutil.rmtree(session)
            session.with_suffix(".json").unlink(missing_ok=True)


def _required_kinds(contract: object) -> frozenset[str]:
    try:
        return frozenset(kind.value for kind in ResultContract.parse(contract).required_kinds)
    except (UsageError, InvalidContract):
        return frozenset()
