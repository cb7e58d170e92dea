"""What a person says to a repair: yes, no, not after all, and undo it."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.ground import Ground, Row
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.trouble import ACTIONS, REPAIRS
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import UNKNOWN, WORKER_HEALTH
from watchkeeper.interfaces.console.written_words import tell
from watchkeeper.services.operations import as_uuid

ROUTE = "POST /api/watchdog/repair-actions/{repair_id}"


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    if (asked := as_uuid(target["repair_id"])) is None:
        raise NotFound("there is no such repair here")
    row = await ground.app.watchdog.repairs.show(project, asked)
    title = visit.language.translations.gettext(ACTIONS.get(row["action"], row["action"]))
    standing = [word for word in row["approvals"] if word["withdrawn_at"] is None]
    version = f"{row['state']} {row['plan_digest']} {len(standing)}"
    marks = frozenset(str(mark) for mark in (row["id"], row["incident_id"]) if mark is not None)
    return Seen(title, _facts(ground, visit, row), version, marks)


def _facts(ground: Ground, visit: Visit, row: Row) -> tuple[Fact, ...]:
    """Give what a plan says, and what it rests on; an approval binds to these words by their digest."""
    plan = row["plan"] or {}
    target = plan.get("target") or {}

    def said(text: str | None) -> str | None:
        return text and (tell(text, visit.language) or text)

    facts: list[Fact] = [
        (message("State"), REPAIRS.get(row["state"], UNKNOWN)),
        (message("Because"), ground.redactor.redact(row["reason"] or "")),
        (message("Asked by"), row["actor"]),
        (message("Target"), said(" ".join(str(target.get(name, "")) for name in ("what", "id")))),
    ]
    facts += [(message("Step"), said(step)) for step in plan.get("steps", ())]
    facts += [
        (message("Blast radius"), said(plan.get("blast_radius"))),
        (message("If it was wrong"), said(plan.get("undo") or plan.get("no_undo_because"))),
        (message("Digest of the plan"), (row["plan_digest"] or "")[:12]),
    ]
    return tuple(facts)


async def look_at_worker(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    row = await ground.insights.worker(project, target["worker"])
    facts: tuple[Fact, ...] = (
        (message("Health"), WORKER_HEALTH.get(row["health"], UNKNOWN)),
        (message("Jobs that it holds"), str(row["holding"])),
        (message("Last seen"), row["last_seen_at"]),
    )
    version = f"{row['stopped_at']} {row['draining']}"
    return Seen(row["worker_id"], facts, version, frozenset({row["worker_id"]}))


APPROVE = Act(
    name="repair-approve",
    route=f"{ROUTE}/approve",
    right=Right.DECIDE,
    title=message("Approve and carry out"),
    plan=message("The steps above are carried out at once, if the target is still as it was planned on."),
    touches=message("What the plan names as its blast radius, and nothing else."),
    stays=message("Whatever the plan does not name. A target that has moved on is left alone."),
    undo=message("As the plan says. Until it is used your word can be taken back."),
    otherwise=message("It stays undone, and is asked again while the trouble lasts."),
    look=look,
    target=("repair_id", "plan_digest"),
    is_gentle=True,
)
REJECT = Act(
    name="repair-reject",
    route=f"{ROUTE}/reject",
    right=Right.DECIDE,
    title=message("Reject the repair"),
    plan=message("The repair is refused for good; the incident stays in people's hands."),
    touches=message("One repair. Its target is not touched."),
    stays=message("The trouble itself, its incident and its record."),
    undo=message("There is no way back; a new repair can be asked for."),
    otherwise=message("It waits, and is asked again while the trouble lasts."),
    look=look,
    target=("repair_id",),
)
WITHDRAW = Act(
    name="repair-withdraw",
    route=f"{ROUTE}/withdraw",
    right=Right.SUGGEST_REPAIR,
    title=message("Take your word back"),
    plan=message("Your approval no longer counts; where you asked for the repair, it is dropped."),
    touches=message("Your own word on one repair. Its target is not touched."),
    stays=message("The words of others, the incident and its record."),
    undo=message("You can approve, or ask for it, again."),
    otherwise=message("Your word stands until it is used or runs out."),
    look=look,
    target=("repair_id",),
)
UNDO = Act(
    name="repair-undo",
    route=f"{ROUTE}/rollback",
    right=Right.DECIDE,
    title=message("Undo the repair"),
    plan=message("What it changed is put back, if nothing has moved on since. No old lease lives again."),
    touches=message("The target of the repair."),
    stays=message("The record of the repair, with who undid it and why."),
    undo=message("An undone repair is not done again; a new one can be asked for."),
    otherwise=message("It stays done."),
    look=look,
    target=("repair_id",),
)

STOP_WORKER = Act(
    name="worker-stop",
    route="POST /api/watchdog/repair-actions",
    right=Right.SUGGEST_REPAIR,
    title=message("Ask for a stop of the worker"),
    plan=message("A repair is planned that refuses the worker's claims. It waits for another person's word."),
    touches=message("Nothing yet. Once it is approved: what the worker may claim."),
    stays=message("The jobs that it holds it keeps, and every other worker."),
    undo=message("You can take your word back until somebody approves; then the repair can be undone."),
    otherwise=message("It goes on claiming. Draining it needs nobody else."),
    look=look_at_worker,
    target=("worker",),
    says={"action": "stop_worker"},
)

ACTS = (APPROVE, REJECT, WITHDRAW, UNDO, STOP_WORKER)
