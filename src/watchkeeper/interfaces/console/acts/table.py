"""The acts that belong to no family of pages, and which of them a job allows."""

from __future__ import annotations

from watchkeeper.domain.jobs import TERMINAL, JobState, may_move
from watchkeeper.interfaces.console.acts import access, bulk, fleet, jobs, leases, windows
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.ground import Row

ACTS = (*jobs.ACTS, *leases.ACTS, *fleet.ACTS, *access.ACTS, *bulk.ACTS, *windows.ACTS)


def possible(job: Row) -> list[Act]:
    """Give the acts that a job's state allows, the mildest first; of a job of a foreign queue those on its lease."""
    state = JobState(job["state"])
    if job["origin"] != "own":
        return [*leases.OF_MIRRORED] if state is JobState.RUNNING else []
    acts = []
    if may_move(state, JobState.PAUSED):
        acts.append(jobs.PAUSE)
    if state in (JobState.PAUSED, JobState.STUCK):
        acts.append(jobs.RESUME)
    if state in TERMINAL:
        acts.append(jobs.REQUEUE)
    if may_move(state, JobState.CANCELLED):
        acts.append(jobs.CANCEL)
    if may_move(state, JobState.FAILED):
        acts.append(jobs.FAIL)
    if state is JobState.RUNNING:
        acts += leases.OF_OWN
    return acts
