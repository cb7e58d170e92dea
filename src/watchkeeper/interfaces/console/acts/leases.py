"""What a person does about a lease that does not move, and about results that came too late.

Of an own job it is asked for as a repair, which another person carries out by a word; of a mirrored one it is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.acts.jobs import look
from watchkeeper.interfaces.console.format import short
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit

ASKED = "POST /api/watchdog/repair-actions"
REPORTED = "PATCH /api/watchdog/job-leases/{job}"

TITLES = {
    "release": message("Release the lease"),
    "reclaim": message("Reclaim the job"),
    "mark_stale": message("Mark the lease stale"),
}
PLANS = {
    "release": message("The lease ends and the job becomes claimable at once."),
    "reclaim": message("The lease ends as lost; the job is tried again as its kind says."),
    "mark_stale": message("The lease is marked as one whose holder is gone; nothing else moves yet."),
}
ONE_ATTEMPT = message("One attempt at one job: what its holder does later under this lease is refused.")
KEPT = message("The job, its earlier attempts and artifacts; processes on the worker's machine.")
WAITS = message("It waits as a repair until another person approves it, and can be withdrawn until then.")
UNDONE = message("The repair page undoes it where its plan says that this can be.")
BY_ITSELF = message("The watchdog goes by its rules; without one the job stays with its holder.")


def _asked(action: str) -> Act:
    return Act(
        name=f"lease-{action.replace('_', '-')}",
        route=ASKED,
        right=Right.SUGGEST_REPAIR,
        title=TITLES[action],
        plan=PLANS[action],
        touches=ONE_ATTEMPT,
        stays=KEPT,
        undo=WAITS,
        otherwise=BY_ITSELF,
        look=look,
        target=("job",),
        says={"action": action},
    )


def _reported(action: str) -> Act:
    return Act(
        name=f"foreign-{action.replace('_', '-')}",
        route=REPORTED,
        right=Right.RECORD,
        title=TITLES[action],
        plan=PLANS[action],
        touches=message("One attempt that another queue reports; that queue itself is not told."),
        stays=KEPT,
        undo=UNDONE,
        otherwise=BY_ITSELF,
        look=look,
        target=("job",),
        says={"action": action},
    )


OF_OWN = tuple(_asked(action) for action in TITLES)
OF_MIRRORED = tuple(_reported(action) for action in TITLES)


async def look_at_late(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    for row in await ground.app.late.list(project, 1000):
        if str(row["id"]) == target["item_id"]:
            facts: tuple[Fact, ...] = (
                (message("Job"), short(row["job_id"])),
                (message("Worker"), row["worker_id"]),
                (message("Attempt"), str(row["epoch"])),
                (message("Came"), row["created_at"]),
                (message("Why it was too late"), row["reason"]),
            )
            marks = frozenset({str(row["id"]), str(row["job_id"])})
            return Seen(short(row["job_id"]), facts, marks=marks)
    raise NotFound("there is no such late completion here")


def _late(verdict: str, title: str, plan: str) -> Act:
    return Act(
        name=f"late-{verdict}",
        route="POST /api/reconcile/{item_id}/decide",
        right=Right.DECIDE,
        title=title,
        plan=plan,
        touches=message("One completion that came too late."),
        stays=message("The job stays as it is: only the gate completes one. The artifacts stay."),
        undo=message("A verdict is kept for good."),
        otherwise=message("It stays in the list of what nobody has decided."),
        look=look_at_late,
        target=("item_id",),
        says={"verdict": verdict},
    )


LATE = (
    _late(
        "accept", message("Use the late results"), message("It is written down that the results are used.")
    ),
    _late(
        "discard",
        message("Do not use the late results"),
        message("It is written down that the results are not used."),
    ),
)

ACTS = (*OF_OWN, *OF_MIRRORED, *LATE)
