"""Every drill by its name, and the sets that are run by one command."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.interfaces.cli.drills import helped, mirrored, own_queue
from watchkeeper.interfaces.cli.drills.stage import Stage

Play = Callable[[Stage], None]

DRILLS: dict[str, Play] = {
    "stale-lease": own_queue.stale_lease,
    "stale-lease-mirrored": mirrored.stale_lease,
    "no-job-loop": own_queue.no_job_loop,
    "artifact-gate": own_queue.artifact_gate_failure,
    "fetch-failed": helped.fetch_failed,
    "near-expiry": mirrored.near_expiry,
    "claim-no-output": helped.claim_without_output,
    "complete-rejected": own_queue.complete_rejected,
    "missing-kind": helped.missing_kind,
    "job-not-found": helped.job_not_found,
    "missing-deliverable": helped.missing_deliverable_id,
    "healthy-no-job": own_queue.healthy_no_job,
    "normal-path": own_queue.normal_path,
    "killed-worker": own_queue.killed_worker,
}

SETS: dict[str, tuple[str, ...]] = {
    "all": tuple(DRILLS),
    "acceptance": ("stale-lease", "no-job-loop", "artifact-gate"),
    "golden": (
        "healthy-no-job",
        "normal-path",
        "missing-deliverable",
        "missing-kind",
        "job-not-found",
        "near-expiry",
    ),
}
"""`acceptance` and `golden` are what the two source documents of the watchdog ask to see."""
