"""What a person does to one job of the own queue."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.format import short
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import job_badge

STATE = message("State")
KIND = message("Kind")
SINCE = message("Since")
HELD_BY = message("Held by")
ATTEMPT = message("Attempt")
LEASE_ENDS = message("Lease ends")


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    row = await ground.insights.job(project, target["job"])
    facts: list[Fact] = [
        (KIND, row["kind"]),
        (STATE, job_badge(row, await ground.now())),
        (SINCE, row["state_since"]),
    ]
    if row["state"] == JobState.RUNNING:
        facts += [
            (HELD_BY, row["worker_id"]),
            (ATTEMPT, str(row["epoch"])),
            (LEASE_ENDS, row["lease_expires_at"]),
        ]
    version = f"{row['state']} {row['epoch']}"
    return Seen(f"{short(row['id'])} {row['kind']}", tuple(facts), version, frozenset({str(row["id"])}))


PAUSE = Act(
    name="job-pause",
    route="POST /api/jobs/{job}/pause",
    right=Right.OPERATE,
    title=message("Pause the job"),
    plan=message("The job is held: no worker gets it. An attempt that runs is ended first."),
    touches=message("One job, and the attempt at it that runs, if one does."),
    stays=message("Its payload, its attempts, its artifacts and its place in the story stay."),
    undo=message("Resuming makes it claimable again; an attempt that was ended does not come back."),
    otherwise=message("It goes on as it does now."),
    look=look,
    target=("job",),
    reverse="job-resume",
)

RESUME = Act(
    name="job-resume",
    route="POST /api/jobs/{job}/resume",
    right=Right.OPERATE,
    title=message("Resume the job"),
    plan=message("The job becomes claimable again, in its own place."),
    touches=message("One job; the next worker that takes its kind may begin an attempt."),
    stays=message("Its payload, its attempts, its artifacts and its place in the story stay."),
    undo=message("Pausing holds it again; an attempt that has begun meanwhile is ended."),
    otherwise=message("It stays held until a person decides."),
    look=look,
    target=("job",),
    reverse="job-pause",
)

REQUEUE = Act(
    name="job-requeue",
    route="POST /api/jobs/{job}/requeue",
    right=Right.OPERATE,
    title=message("Try the job again"),
    plan=message(
        "A stuck or paused job becomes claimable in its own place. An ended one is begun as a new job."
    ),
    touches=message("One job, or one new job of the same kind and payload."),
    stays=message("What ended stays ended, with its evidence."),
    undo=message("It cannot be taken back by itself; the job that comes of it can be cancelled."),
    otherwise=message("It is not tried again."),
    look=look,
    target=("job",),
)

CANCEL = Act(
    name="job-cancel",
    route="POST /api/jobs/{job}/cancel",
    right=Right.OPERATE,
    title=message("Cancel the job"),
    plan=message("The job ends as cancelled. The holder of a running one is asked to stop first."),
    touches=message("One job, for good, and the attempt at it that runs, if one does."),
    stays=message("Its record, its artifacts and its audit rows stay."),
    undo=message("There is no way back. Trying it again makes a new job."),
    otherwise=message("It goes on as it does now."),
    look=look,
    target=("job",),
    fields=(
        Field(
            "force",
            message("End a running attempt at once, without asking its holder"),
            "check",
        ),
    ),
)

FAIL = Act(
    name="job-fail",
    route="POST /api/jobs/{job}/fail",
    right=Right.OPERATE,
    title=message("Fail the job"),
    plan=message("The job ends as failed, and an attempt that runs is ended."),
    touches=message("One job, for good, and the attempt at it that runs, if one does."),
    stays=message("Its record, its artifacts and its audit rows stay."),
    undo=message("There is no way back. Trying it again makes a new job."),
    otherwise=message("It goes on as it does now."),
    look=look,
    target=("job",),
)

ACTS = (PAUSE, RESUME, REQUEUE, CANCEL, FAIL)
