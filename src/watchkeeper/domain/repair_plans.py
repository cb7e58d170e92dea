"""What each action would do to a target as it stands: steps, blast radius, and the undo or why there is none.

Pure: the caller looks at the target, and looks again when it acts.
"""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.repair_words import ENDED, OF_OTHERS, ONLY_ASKED, Image, Planned, Scene, Words
from watchkeeper.domain.repairs import FORCING, Authority, Plan, Target
from watchkeeper.domain.rules.names import RepairAction

CHANGING = FORCING | {
    RepairAction.REQUEUE,
    RepairAction.RESUME,
    RepairAction.BLOCK_COMPLETE,
    RepairAction.STOP_WORKER,
    RepairAction.RESUME_WORKER,
    RepairAction.PAUSE_KIND,
    RepairAction.FAIL_KIND,
}
"""What changes a job, a worker or a kind; the rest asks, tells or writes down."""

ON_JOBS = FORCING | {
    RepairAction.REQUEUE,
    RepairAction.RESUME,
    RepairAction.BLOCK_COMPLETE,
    RepairAction.ASK_RENEWAL,
}
ON_WORKERS = frozenset({RepairAction.RETOUCH, RepairAction.STOP_WORKER, RepairAction.RESUME_WORKER})
ON_KINDS = frozenset({RepairAction.PAUSE_KIND, RepairAction.FAIL_KIND})
ON_SESSIONS = frozenset({RepairAction.INTERRUPT_SESSION, RepairAction.SWEEP_SESSION})

JOB_KEYS = ("state", "state_reason", "epoch", "agent_errors", "lost_leases", "worker_id", "lease", "origin")
WORKER_KEYS = ("stopped", "stop_reason")
KIND_KEYS = ("paused", "pause_reason")
SESSION_KEYS = ("worker_id", "epoch", "ended", "turns")

FROM_STATES: dict[RepairAction, frozenset[str]] = {
    RepairAction.RELEASE: frozenset({"running"}),
    RepairAction.RECLAIM: frozenset({"running"}),
    RepairAction.MARK_STALE: frozenset({"running"}),
    RepairAction.ASK_RENEWAL: frozenset({"running"}),
    RepairAction.REQUEUE: frozenset({"stuck", "paused"}),
    RepairAction.RESUME: frozenset({"stuck", "paused"}),
    RepairAction.PAUSE: frozenset({"pending", "running", "stuck"}),
    RepairAction.FAIL: frozenset({"pending", "running", "stuck", "paused"}),
    RepairAction.BLOCK_COMPLETE: frozenset({"pending", "running", "stuck", "paused", "failed", "cancelled"}),
}
"""From where an action can move a job of our own queue; the table of a job's transitions holds as well."""

CARRIED_OUT_BY: dict[RepairAction, str] = {
    RepairAction.RETRY_COMMAND: "holder",
    RepairAction.PUBLISH_ARTIFACT: "holder",
    RepairAction.REPAIR_CONTRACT: "holder",
    RepairAction.INTERRUPT_SESSION: "holder",
    RepairAction.SWEEP_SESSION: "holder",
    RepairAction.FREEZE_VERDICTS: "watchdog",
    RepairAction.ALERT: "person",
    RepairAction.END_ORPHAN: "host_guard",
}
"""Whose hands act where ours do not reach: the job's holder at its next answer, the watchdog itself, a person."""

OF_THE_LEASE = frozenset({RepairAction.REPAIR_CONTRACT, RepairAction.RETRY_COMMAND})
"""What only who holds the job can do: the request ends with the lease."""

BACK_TO_WORKER = (
    "its former worker, while it lives and was not told, gets a new lease under a new epoch; "
    "otherwise the job is paused with the reason"
)
NOT_BACK_TO_STUCK = "nothing but an attempt leads to stuck; pause the job instead"
NOT_OURS = "nothing of the other queue was touched; the mark stays in the record"


def make_plan(
    action: RepairAction,
    target: Target,
    image: Image,
    authority: Authority | None,
    arguments: Image | None = None,
) -> Plan:
    """Plan an action on a target as it stands; raise Conflict where it cannot be done to it."""
    arguments = arguments or {}
    words = _words(action, target, image, arguments)
    return Plan(
        action,
        target,
        preconditions(target, image),
        words.steps,
        words.blast_radius,
        authority,
        words.undo,
        words.no_undo_because,
        _hands(action, image),
        arguments,
    )


def preconditions(target: Target, image: Image) -> dict[str, Any]:
    """Give of a target's image what must still be so when the plan is carried out."""
    keys = {"job": JOB_KEYS, "worker": WORKER_KEYS, "kind": KIND_KEYS, "session": SESSION_KEYS}.get(
        target.what, ()
    )
    return {key: image.get(key) for key in keys}


def is_mirrored(image: Image) -> bool:
    return image.get("origin", "own") != "own"


def _hands(action: RepairAction, image: Image) -> str:
    if action in CARRIED_OUT_BY:
        return CARRIED_OUT_BY[action]
    return "holder" if is_mirrored(image) and action in ON_JOBS else "watchkeeper"


def _words(action: RepairAction, target: Target, image: Image, arguments: Image) -> Words:
    if action in ON_JOBS:
        if is_mirrored(image):
            return _marked(action, target, image)
        if image["state"] not in FROM_STATES[action]:
            raise Conflict(f"a job that is {image['state']} cannot be repaired by {action.value!r}")
        return _OF_JOBS[action](Scene(target, image, arguments))
    if action in OF_OTHERS:
        return OF_OTHERS[action](Scene(target, image, arguments))
    hands = CARRIED_OUT_BY[action]
    return Words((f"ask the {hands} to carry out {action.value} on {target}",), "nothing", None, ONLY_ASKED)


def _marked(action: RepairAction, target: Target, image: Image) -> Words:
    owner = image["origin"]
    steps = (
        f"write down that {action.value} was decided for {target}",
        f"ask its holder in {owner!r} for it",
    )
    return Words(steps, f"nothing in the queue {owner!r}", None, NOT_OURS)


def _release(on: Scene) -> Words:
    return Words(
        (
            f"end the lease of {on.image['worker_id']} under epoch {on.image['epoch']}",
            "make the job claimable at once",
        ),
        f"one attempt at one job: what {on.image['worker_id']} does later under it is refused",
        BACK_TO_WORKER,
    )


def _reclaim(on: Scene) -> Words:
    goal = on.arguments["goes_to"]
    return Words(
        (
            f"end the lease of {on.image['worker_id']} as lost",
            f"move the job to {goal}, as its kind says of lost leases",
        ),
        f"one attempt at one job: what {on.image['worker_id']} does later under it is refused",
        None if goal == "failed" else BACK_TO_WORKER,
        ENDED if goal == "failed" else None,
    )


def _mark_stale(on: Scene) -> Words:
    return Words(
        ("let the lease expire now",),
        f"one lease: {on.image['worker_id']} keeps it by renewing, before it is reaped",
        "the lease ends when it would have ended, while nobody renewed or took it",
    )


def _ask_renewal(on: Scene) -> Words:
    return Words((f"ask {on.image['worker_id']} to touch, at its next answer",), "nothing", None, ONLY_ASKED)


def _put_back(on: Scene) -> Words:
    is_stuck = on.image["state"] == "stuck"
    return Words(
        ("make the job pending again", "clear what was used up of its attempts"),
        "one job: whoever may claim its kind may take it",
        None if is_stuck else "the job is paused again, with its reason and its counters",
        NOT_BACK_TO_STUCK if is_stuck else None,
    )


def _pause(on: Scene) -> Words:
    match on.image["state"]:
        case "running":
            steps = (f"end the attempt of {on.image['worker_id']}", "pause the job")
            return Words(steps, "one attempt at one job", BACK_TO_WORKER)
        case "stuck":
            return Words(("pause the job",), "one job that does not run", None, NOT_BACK_TO_STUCK)
    return Words(("pause the job",), "one job that does not run", "the job is pending again, as it was")


def _fail(on: Scene) -> Words:
    return Words(
        ("fail the job with the reason",), f"one job that is {on.image['state']}, for good", None, ENDED
    )


def _block(on: Scene) -> Words:
    if on.image["state"] == "running" and on.arguments.get("ends_attempt"):
        steps = (f"end the attempt of {on.image['worker_id']}", "mark the job stuck")
        return Words(steps, "one attempt at one job", BACK_TO_WORKER)
    return Words(
        ("see that the job is not completed, and stays so until its evidence passes the gate",),
        "nothing",
        None,
        "it only sees to what the gate does",
    )


_OF_JOBS: dict[RepairAction, Planned] = {
    RepairAction.RELEASE: _release,
    RepairAction.RECLAIM: _reclaim,
    RepairAction.MARK_STALE: _mark_stale,
    RepairAction.ASK_RENEWAL: _ask_renewal,
    RepairAction.REQUEUE: _put_back,
    RepairAction.RESUME: _put_back,
    RepairAction.PAUSE: _pause,
    RepairAction.FAIL: _fail,
    RepairAction.BLOCK_COMPLETE: _block,
}
