"""Before a job is worked on again on this machine: nothing of its former attempts may live here any more."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.agents.session import Session
from watchkeeper.logs import log
from watchkeeper.services.supervision.records import AttemptRecords, attempts_at


def former_attempts_gone(home: Path, present: AttemptRecords, job: str) -> bool:
    """Prove the sessions of earlier attempts at a job gone, ending what lives of them; blocks, see `prove_gone`.

    The lease of a later attempt is held: whoever still works on an earlier one has lost its own.
    """
    gone = True
    for former in attempts_at(home):
        if former.job_name != present.job_name or former.directory == present.directory:
            continue
        if not former.session.is_dir():
            continue
        report = Session.adopt(former.session).prove_gone()
        if not report.gone:
            log("processes_left", job=job, left=list(report.left), note=report.note)
        gone = gone and report.gone
    return gone
