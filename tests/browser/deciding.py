"""What the acts on incidents, repairs, proposals, lessons and windows are tried on, each as the act finds it."""

from __future__ import annotations

from uuid import uuid4

from browser.stage import Stage, Target
from services.alerts import opened
from watchkeeper.domain.principals import Role
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.desk import Wish

REPAIRS = "/api/watchdog/repair-actions"


def _incident(then: str | None = None, rule: str = "claim_loop_idle") -> Target:
    """An open incident; `then` is an act that was done to it."""

    async def target(stage: Stage) -> dict[str, str]:
        incident = str(await opened(stage.project.app.database, rule))
        if then is not None:
            await stage.post(f"/api/watchdog/incidents/{incident}/{then}", seconds=3600)
        return {"incident_id": incident}

    return target


async def _wanted(stage: Stage) -> dict[str, str]:
    """A repair that a worker has asked for."""
    job = await stage.held()
    wish = {"action": "release", "job": job["id"], "reason": "it hangs"}
    asked = (await stage.api.post(REPAIRS, wish, role="worker")).body["repair"]
    return {"repair_id": asked["id"], "plan_digest": asked["plan_digest"]}


async def _undecided(stage: Stage) -> dict[str, str]:
    return {"repair_id": (await _wanted(stage))["repair_id"]}


async def _done(stage: Stage) -> dict[str, str]:
    asked = await _wanted(stage)
    said = {"reason": "seen", "plan_digest": asked["plan_digest"]}
    approved = await stage.api.post(f"{REPAIRS}/{asked['repair_id']}/approve", said, role="supervisor")
    assert approved.body["repair"]["state"] == "succeeded", approved.body
    return {"repair_id": asked["repair_id"]}


async def _own_wish(stage: Stage) -> dict[str, str]:
    """A repair that the one who acts has asked for."""
    app = stage.project.app
    made = await app.identity.create_token("lin-owner", Role.OWNER, None, actor="test")
    wish = Wish(RepairAction.RELEASE, "it hangs", job=(await stage.held())["id"])
    asked = await app.watchdog.repairs.ask("p", wish, await app.identity.authenticate(made.secret))
    return {"repair_id": str(asked["id"])}


async def _proposal(stage: Stage) -> dict[str, str]:
    text = dict.fromkeys(("decision", "problem", "recommendation", "reasoning"), "Start a worker.")
    made = await stage.api.post("/api/proposals", {"kind": "k", **text}, role="worker")
    return {"proposal_id": made.body["proposal"]["id"]}


async def _merged(stage: Stage) -> dict[str, str]:
    """An accepted proposal that has merged two projects: what accepting changed can be undone."""
    for project in ("one", "other"):
        await stage.project.app.kinds.ensure_project(project)
    whole = await stage.api.token("owner", None)
    text = dict.fromkeys(("decision", "problem", "recommendation", "reasoning"), "Read them together.")
    subject = {"projects": ["one", "other"], "into": "one"}
    made = await stage.api.post(
        "/api/proposals", {"kind": "merge_projects", "subject": subject, **text}, token=whole
    )
    proposal = made.body["proposal"]["id"]
    accepted = await stage.api.post(f"/api/proposals/{proposal}/accept?project=system", {}, token=whole)
    assert accepted.status == 200, accepted.body
    return {"proposal_id": proposal, "project": "system"}


def _lesson(then: str | None = None) -> Target:
    async def target(stage: Stage) -> dict[str, str]:
        made = await stage.api.post(
            "/api/lessons", {"learned": [f"Look at fixture {uuid4()}."]}, role="worker"
        )
        lesson = made.body["lesson"]["id"]
        if then is not None:
            await stage.post(f"/api/lessons/{lesson}/{then}")
        return {"lesson_id": lesson}

    return target


async def _window(stage: Stage) -> dict[str, str]:
    made = await stage.post("/api/maintenance-windows", hours=1)
    return {"window_id": made["maintenance_window"]["id"]}


async def _worker(stage: Stage) -> dict[str, str]:
    return {"worker": "w2"}


async def _nothing(stage: Stage) -> dict[str, str]:
    return {}


TARGETS: dict[str, Target] = {
    "incident-ack": _incident(),
    "incident-quiet": _incident(),
    "incident-unquiet": _incident("quiet"),
    "incident-resolve": _incident(),
    "repair-approve": _wanted,
    "repair-reject": _undecided,
    "repair-withdraw": _own_wish,
    "repair-undo": _done,
    "worker-stop": _worker,
    "proposal-accept": _proposal,
    "proposal-reject": _proposal,
    "proposal-undo": _merged,
    "lesson-publish": _lesson(),
    "lesson-retire": _lesson("publish"),
    "window-open": _nothing,
    "window-close": _window,
}
