"""Every drill by its name, and the sets that are run by one command."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.domain.stage_proofs import GOLDEN
from watchkeeper.interfaces.cli.drills import helped, killed_database, mirrored, own_queue, sessions
from watchkeeper.interfaces.cli.drills.stage import Stage

Play = Callable[[Stage], None]

DRILLS: dict[str, Play] = {
    "stale_lease": own_queue.stale_lease,
    "stale_lease_mirrored": mirrored.stale_lease,
    "no_job_loop": own_queue.no_job_loop,
    "artifact_gate": own_queue.artifact_gate_failure,
    "fetch_failed": helped.fetch_failed,
    "near_expiry": mirrored.near_expiry,
    "claim_no_output": helped.claim_without_output,
    "complete_rejected": helped.missing_kind,
    "complete_rejected_own": own_queue.complete_rejected,
    "job_not_found": helped.job_not_found,
    "missing_deliverable_id": helped.missing_deliverable_id,
    "healthy_no_job": own_queue.healthy_no_job,
    "normal_path": own_queue.normal_path,
    "killed_worker": own_queue.killed_worker,
    "stalled_session": sessions.stalled_session,
    "orphaned_session": sessions.orphaned_session,
    "killed_database": killed_database.killed_database,
}

SETS: dict[str, tuple[str, ...]] = {
    "all": tuple(DRILLS),
    "acceptance": ("stale_lease", "no_job_loop", "artifact_gate"),
    "golden": GOLDEN,
}
"""`acceptance` and `golden` are what the two source documents of the watchdog ask to see."""
