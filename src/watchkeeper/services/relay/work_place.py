"""Where the work on foreign jobs is done and kept, and what is taken of it: the same for a command and for an agent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.artifacts import Gathered, ProducedFile
from watchkeeper.agents.workspace import Workspace, Workspaces
from watchkeeper.agents.workspace_files import JobOrder
from watchkeeper.domain.artifacts import guess_kind
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.handover import Handover
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.place import HelperPlace

KEPT_WORKSPACES = 20
MOST_FILES = 200


@dataclass(frozen=True)
class WorkPlace:
    """A helper's place, and the workspaces of the user who does the work."""

    place: HelperPlace
    workspaces: Workspaces

    def order(self, held: HeldJob) -> JobOrder:
        """Give what the work is to know of a job."""
        return JobOrder(
            job_id=held.id,
            project_id=self.place.name,
            epoch=1,
            attempt=1,
            payload=held.record.get("payload"),
            record={key: value for key, value in held.record.items() if key != "lease_token"},
        )

    def prepare(self, order: JobOrder) -> tuple[Path, Workspace]:
        """Make the workspace of one attempt, and name its session's directory, which is not made. Raises OSError."""
        self._forget_old()
        workspace = self.workspaces.prepare(order, os.environ)
        directory = self.place.directory / "work" / self.place.new_call("work").name
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        return directory, workspace

    def write_stdin(self, directory: Path, text: str) -> Path:
        """Write what a session reads on its stdin, beside its directory."""
        given = directory.with_suffix(".json")
        given.touch(mode=0o600)
        given.write_text(text, encoding="utf-8", errors="replace")
        return given

    def _forget_old(self) -> None:
        jobs = self.workspaces.of_project(self.place.name)
        attempts = sorted(jobs.glob("*/*"), key=lambda path: path.lstat().st_mtime)
        for attempt in attempts[:-KEPT_WORKSPACES]:
            self.workspaces.remove(attempt)
        for session in sorted((self.place.directory / "work").glob("*-work"))[:-KEPT_WORKSPACES]:
            shutil.rmtree(session)
            session.with_suffix(".json").unlink(missing_ok=True)
            shutil.rmtree(session.with_suffix(".handed-in"), ignore_errors=True)


def handed_over(held: HeldJob, gathered: Gathered, found: Sequence[ProducedFile]) -> tuple[ProducedFile, ...]:
    """Hand over what was declared, else the files that lie there; give those to be uploaded."""
    found = found[:MOST_FILES]
    if not gathered.declared:
        held.handover = Handover.of_files([file.name for file in found])
        return tuple(found)
    files_of = {
        str(one.entry.get("path")): [file.name for file in one.files]
        for one in gathered.artifacts
        if one.files
    }
    named = [file for one in gathered.artifacts for file in one.files]
    wanted = _required_kinds(held.contract)
    spare = [file for file in found if file not in named and guess_kind(file.name).value in wanted]
    held.handover = Handover([one.entry for one in gathered.artifacts], files_of)
    return tuple(dict.fromkeys([*named, *spare]))


def _required_kinds(contract: object) -> frozenset[str]:
    try:
        return frozenset(kind.value for kind in ResultContract.parse(contract).required_kinds)
    except (UsageError, InvalidContract):
        return frozenset()
