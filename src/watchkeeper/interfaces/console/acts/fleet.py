"""What a person does to kinds, workers and projects, and to the two switches of the installation."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit

STATE = message("State")
AS_NOW = message("It goes on as it does now.")
UNTIL_RESUMED = message("It stays so until a person resumes it.")


async def look_at_kind(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    queues = (await ground.insights.queue_health(project))["queues"]
    row = next((row for row in queues if row["kind"] == target["kind"]), None)
    if row is None:
        raise NotFound(f"there is no kind {target['kind'][:100]!r} here")
    facts: tuple[Fact, ...] = (
        (STATE, words.queue_badge(row)),
        (message("Waiting"), str(row["ready"])),
        (message("Running"), str(row["running"])),
        (message("Workers"), str(row["eligible_workers"])),
    )
    return Seen(target["kind"], facts, "paused" if row["status"] == "paused" else "")


async def look_at_worker(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    row = await ground.insights.worker(project, target["worker_id"])
    facts: list[Fact] = [
        (message("Health"), words.WORKER_HEALTH.get(row["health"], words.UNKNOWN)),
        (message("Holds"), str(row["holding"])),
        (message("Seen"), row["last_seen_at"]),
    ]
    if row["stop_reason"]:
        facts.append((message("Stopped because"), row["stop_reason"]))
    return Seen(row["worker_id"], tuple(facts), f"{row['draining']} {row['stopped_at']}")


async def look_at_project(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    scope = await ground.scope_of(visit.known, target["project_id"])
    (row,) = scope.shown
    state = words.JOB_STATES["paused"] if row["paused_at"] else words.SWITCHES[True]
    facts: tuple[Fact, ...] = (
        (STATE, state),
        (message("Waiting"), str(row["pending"]) + ("+" if row["capped"] else "")),
        (message("Running"), str(row["running"])),
    )
    return Seen(project, facts, str(row["paused_at"]))


async def look_at_switch(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    in_force = await ground.app.watchdog.brakes.in_force(project, of_whole=visit.known.project_id is None)
    row = next((row for row in in_force["switches"] if row["name"] == target["name"]), None)
    if row is None:
        raise NotFound(f"there is no switch {target['name'][:100]!r}")
    facts: list[Fact] = [(STATE, words.SWITCHES[row["is_on"]])]
    if row.get("reason"):
        facts += [(message("Turned by"), row.get("changed_by")), (message("Reason"), row["reason"])]
    return Seen(target["name"], tuple(facts), str(row["is_on"]))


KIND_PAUSE = Act(
    name="kind-pause",
    route="POST /api/kinds/{kind}/pause",
    right=Right.OPERATE,
    title=message("Pause the kind"),
    plan=message("No worker gets a job of this kind any more."),
    touches=message("All jobs of this kind that wait, now and later."),
    stays=message("What runs goes on; what waits keeps its place."),
    undo=message("Resuming lets its jobs be claimed again, in their old order."),
    otherwise=AS_NOW,
    look=look_at_kind,
    target=("kind",),
    reverse="kind-resume",
)
KIND_RESUME = Act(
    name="kind-resume",
    route="POST /api/kinds/{kind}/resume",
    right=Right.OPERATE,
    title=message("Resume the kind"),
    plan=message("Workers get jobs of this kind again."),
    touches=message("All jobs of this kind that wait."),
    stays=message("What runs goes on; what waits keeps its place."),
    undo=message("Pausing holds what has not begun meanwhile."),
    otherwise=UNTIL_RESUMED,
    look=look_at_kind,
    target=("kind",),
    reverse="kind-pause",
)
WORKER_DRAIN = Act(
    name="worker-drain",
    route="POST /api/workers/{worker_id}/drain",
    right=Right.OPERATE,
    title=message("Drain the worker"),
    plan=message("The worker finishes what it holds and gets nothing new."),
    touches=message("One worker; what it would have taken waits for others."),
    stays=message("What it holds now goes on to its end."),
    undo=message("Resuming lets it claim again."),
    otherwise=AS_NOW,
    look=look_at_worker,
    target=("worker_id",),
    reverse="worker-resume",
)
WORKER_RESUME = Act(
    name="worker-resume",
    route="POST /api/workers/{worker_id}/resume",
    right=Right.OPERATE,
    title=message("Let the worker claim again"),
    plan=message("A draining or stopped worker gets jobs again."),
    touches=message("One worker, and the jobs that it takes next."),
    stays=message("What it holds now goes on to its end."),
    undo=message("Draining stops it from taking more; what it took meanwhile it finishes."),
    otherwise=UNTIL_RESUMED,
    look=look_at_worker,
    target=("worker_id",),
    reverse="worker-drain",
)
PROJECT_PAUSE = Act(
    name="project-pause",
    route="POST /api/projects/{project_id}/pause",
    right=Right.OPERATE,
    title=message("Pause the project"),
    plan=message("No worker gets a job of this project any more."),
    touches=message("All kinds and all workers of the project."),
    stays=message("What runs goes on; what waits keeps its place."),
    undo=message("Resuming lets its jobs be claimed again, in their old order."),
    otherwise=AS_NOW,
    look=look_at_project,
    target=("project_id",),
    reverse="project-resume",
)
PROJECT_RESUME = Act(
    name="project-resume",
    route="POST /api/projects/{project_id}/resume",
    right=Right.OPERATE,
    title=message("Resume the project"),
    plan=message("Workers get jobs of this project again."),
    touches=message("All kinds and all workers of the project."),
    stays=message("Kinds that were paused one by one stay paused."),
    undo=message("Pausing holds what has not begun meanwhile."),
    otherwise=UNTIL_RESUMED,
    look=look_at_project,
    target=("project_id",),
    reverse="project-pause",
)
SWITCH_OFF = Act(
    name="switch-off",
    route="POST /api/switches/{name}",
    right=Right.SWITCH,
    title=message("Turn the switch off"),
    plan=message(
        "Claims off: no worker anywhere gets a job. Actions off: the watchdog repairs nothing by itself."
    ),
    touches=message("Every project of this installation."),
    stays=message("What runs goes on; the watchdog still looks and tells people."),
    undo=message("Turning it on again lets everything go on from where it stands."),
    otherwise=AS_NOW,
    look=look_at_switch,
    target=("name",),
    says={"on": False},
    reverse="switch-on",
    of_whole=True,
)
SWITCH_ON = Act(
    name="switch-on",
    route="POST /api/switches/{name}",
    right=Right.SWITCH,
    title=message("Turn the switch on"),
    plan=message(
        "Claims on: workers get jobs again. Actions on: the watchdog repairs as the policy lets it."
    ),
    touches=message("Every project of this installation."),
    stays=message("What was paused one by one stays paused."),
    undo=message("Turning it off stops what has not begun meanwhile."),
    otherwise=UNTIL_RESUMED,
    look=look_at_switch,
    target=("name",),
    says={"on": True},
    reverse="switch-off",
    of_whole=True,
)


async def look_at_breaker(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    for row in await ground.app.watchdog.brakes.breakers(project):
        if (row["rule"], row["pool"]) == (target["rule"], target["pool"]):
            facts: tuple[Fact, ...] = (
                (message("Attempts"), str(row["attempts"])),
                (message("Tripped"), row["tripped_at"]),
                (message("Repairs that wait"), str(row["waiting"])),
            )
            return Seen(f"{row['rule']} · {row['pool']}", facts, str(row["tripped_at"]))
    raise NotFound("there is no such breaker here")


BREAKER_RESET = Act(
    name="breaker-reset",
    route="POST /api/policy/breakers/{rule}/reset",
    right=Right.DECIDE,
    title=message("Reset the breaker"),
    plan=message("The rule may act in this pool again. What waited is carried out or dropped, as you say."),
    touches=message("The rule in this pool, and the repairs of it that wait."),
    stays=message("Other rules, other pools, and what was repaired before."),
    undo=message("It cannot be taken back; the breaker trips again by itself where the rule fails again."),
    otherwise=message("The rule repairs nothing in this pool; its incidents wait for people."),
    look=look_at_breaker,
    target=("rule", "pool"),
    fields=(
        Field(
            "waiting",
            message("What becomes of the repairs that wait"),
            "choice",
            (("drop", message("Drop them")), ("run", message("Carry them out"))),
            "drop",
            is_required=True,
        ),
    ),
)

ACTS = (
    KIND_PAUSE,
    KIND_RESUME,
    WORKER_DRAIN,
    WORKER_RESUME,
    PROJECT_PAUSE,
    PROJECT_RESUME,
    SWITCH_OFF,
    SWITCH_ON,
    BREAKER_RESET,
)
