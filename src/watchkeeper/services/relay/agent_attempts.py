"""The attempts of a helper's agent on this machine, kept as every supervisor keeps its own: to be gone on with."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from watchkeeper.agents.session import Session, SessionError
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.supervision.means import facts_of
from watchkeeper.services.supervision.records import SAFE, AttemptRecords, attempts_in
from watchkeeper.services.supervision.turns import CLAIMED

KEPT_ATTEMPTS = 20
USUAL_LEASE_SECONDS = 900.0

Facts = dict[str, Any]


class AgentAttempts:
    """The attempts at one helper's jobs. Every method blocks for short times."""

    def __init__(self, place: HelperPlace, workspaces: Workspaces) -> None:
        self._name = place.name
        self._workspaces = workspaces
        self._directory = place.directory / "sessions" / "agent"

    def begin(self, held: HeldJob, work_seconds: float) -> tuple[AttemptRecords, Facts]:
        """Begin an attempt at a job; raises OSError. Its epoch counts the attempts that are known here."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = _name(held.id)
        former = [one.epoch for one in attempts_in(self._directory) if one.job_name == name]
        epoch = max(former, default=0) + 1
        claimed = {key: value for key, value in held.record.items() if key != "lease_token"}
        job = {
            "id": held.id,
            "kind": held.kind or "unknown",
            "project_id": self._name,
            "epoch": epoch,
            "attempt": epoch,
            "payload": claimed.get("payload"),
            "lease_seconds": held.lease.length.total_seconds() if held.lease.length else USUAL_LEASE_SECONDS,
            "lease_token": proof_of(held),
            "hard_cap_minutes": work_seconds / 60,
            CLAIMED: claimed,
        }
        facts = facts_of(job, boot_clock())
        return AttemptRecords.make(self._directory, name, epoch, facts), facts

    def of(self, held: HeldJob) -> tuple[AttemptRecords, Facts] | None:
        """Give the attempt at a job as it was claimed that is not over; None where there is none."""
        for one in self._left_over():
            facts = one.lease()
            if facts is not None and facts["lease"] == proof_of(held) != "":
                return one, facts | {"sent_at": boot_clock()}
        return None

    def end_others(self, held: HeldJob | None) -> None:
        """End what lives of attempts that nobody goes on with; what they made may be gone on with by a later one."""
        going_on = held and self.of(held)
        for one in self._left_over():
            if going_on and one.directory == going_on[0].directory:
                continue
            if one.session.is_dir() and not (report := Session.adopt(one.session).prove_gone()).gone:
                log("processes_left", attempt=one.directory.name, left=list(report.left), note=report.note)
            one.write_reported({"status": "abandoned"})

    def settled(self, job: str) -> None:
        """Take in that a job is done: should its platform hand it out again, that is new work for a new thread."""
        for one in attempts_in(self._directory):
            if one.job_name == _name(job):
                one.forget_thread()

    def _left_over(self) -> list[AttemptRecords]:
        """Give the attempts whose supervisor died before their end."""
        return [one for one in attempts_in(self._directory) if not one.is_over]

    def forget_old(self) -> None:
        """Remove what old attempts left, but for a workspace that a later one has gone on in."""
        over = sorted(
            (one for one in attempts_in(self._directory) if one.is_over), key=lambda one: one.over_at
        )
        for one in over[:-KEPT_ATTEMPTS]:
            try:
                if one.session.is_dir():
                    Session.adopt(one.session).discard()
                workspace = _workspace(one)
                shutil.rmtree(one.directory)
                if workspace is not None and workspace not in map(_workspace, attempts_in(self._directory)):
                    self._workspaces.remove(workspace)
            except (OSError, ValueError, SessionError) as error:
                log("retention_failed", directory=str(one.directory), detail=str(error))


def _name(job: str) -> str:
    """Give the name of a job's directories: foreign ids are of any form."""
    return job if SAFE.fullmatch(job) else hashlib.sha256(job.encode()).hexdigest()[:32]


def _workspace(records: AttemptRecords) -> Path | None:
    workspace = (records.lease() or {}).get("workspace")
    return None if workspace is None else Path(workspace)


def proof_of(held: HeldJob) -> str:
    """Give what proves to our server that a job is held: its lease where it is ours, else the name of its attempt."""
    return held.lease_token or held.attempt_id or ""
