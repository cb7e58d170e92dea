"""What former attempts at a job left on this machine: nothing that lives, and perhaps a thread to go on with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from watchkeeper.agents.session import Session
from watchkeeper.logs import log
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.records import AttemptRecords, attempts_at


class Inheritance(NamedTuple):
    """What the next attempt goes on with: what is known of the thread, and the workspace that it was in."""

    conversation: Conversation
    workspace: Path


def former_attempts_gone(present: AttemptRecords, job: str) -> bool:
    """Prove the sessions of earlier attempts at a job gone, ending what lives of them; blocks, see `prove_gone`.

    The lease of a later attempt is held: whoever still works on an earlier one has lost its own.
    """
    gone = True
    for former in _former(present):
        if not former.session.is_dir():
            continue
        report = Session.adopt(former.session).prove_gone()
        if not report.gone:
            log("processes_left", job=job, left=list(report.left), note=report.note)
        gone = gone and report.gone
    return gone


def inherited(present: AttemptRecords, agent: str, uid: int) -> Inheritance | None:
    """Give what the last attempt at this job on this machine left to go on with, once its processes are gone.

    None where there was none, or another agent or another user worked there.
    """
    for former in sorted(_former(present), key=lambda one: one.epoch, reverse=True):
        thread, workspace = former.thread(), (former.lease() or {}).get("workspace")
        if thread is None or workspace is None or thread.get("agent") != agent:
            continue
        work = Path(workspace, "work")
        if work.is_dir() and not work.is_symlink() and work.stat().st_uid == uid:
            return Inheritance(Conversation.from_record(thread, agent), Path(workspace))
    return None


def _former(present: AttemptRecords) -> list[AttemptRecords]:
    """Give the attempts at the same job but this one; a job's id is its own in the world."""
    return [
        one
        for one in attempts_at(present.home)
        if one.job_name == present.job_name and one.directory != present.directory
    ]
