"""What each act of the console is tried on: something fresh, in the state that the act is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from interfaces.api_client import Api
from interfaces.console_project import ACTOR, ConsoleProject
from raw_sql import rows
from watchkeeper.domain.principals import Role

KIND = "acts"


@dataclass
class Stage:
    """Where acts are tried: the planted project, and its API."""

    api: Api
    project: ConsoleProject

    async def job(self, *moves: str) -> str:
        """Give a new job, moved so by a person."""
        job = str(await self.project.add("acting", KIND))
        for move in moves:
            await self.project.app.operations.move("p", job, move, actor=ACTOR, reason="for the act")
        return job

    async def held(self) -> dict[str, Any]:
        """Give a job that a worker of its own holds."""
        await self.job()
        return (await self.api.worker("claim", f"actor-{uuid4().hex[:8]}", kinds=[KIND])).job

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        answered = await self.api.post(path, {"reason": "for the act", **body})
        assert answered.status < 400, answered.body
        return answered.body

    async def late(self) -> str:
        """Give a completion that came when its lease was over."""
        job = await self.held()
        await self.post(f"/api/jobs/{job['id']}/cancel", force=True)
        await self.api.command("complete", job, summary="late", artifacts=[])
        [item, *_] = (await self.api.get("/api/reconcile")).body["items"]
        return str(item["id"])

    async def token(self) -> str:
        made = await self.project.app.identity.create_token(uuid4().hex, Role.VIEWER, "p", actor="test")
        return str(made.id)


Target = Callable[[Stage], Awaitable[dict[str, str]]]


def _job(*moves: str) -> Target:
    async def target(stage: Stage) -> dict[str, str]:
        return {"job": await stage.job(*moves)}

    return target


async def _held(stage: Stage) -> dict[str, str]:
    return {"job": (await stage.held())["id"]}


async def _late(stage: Stage) -> dict[str, str]:
    return {"item_id": await stage.late()}


async def _token(stage: Stage) -> dict[str, str]:
    return {"token_id": await stage.token()}


def _after(path: str | None, **target: str) -> Target:
    """Ask the API for the act that the tried one takes back, where there is one."""

    async def given(stage: Stage) -> dict[str, str]:
        if path is not None:
            await stage.post(path)
        return target

    return given


async def _switched_off(stage: Stage) -> dict[str, str]:
    await stage.project.app.kinds.set_switch("actions", is_on=False, actor="test", reason="for the act")
    return {"name": "actions"}


async def _mirrored(stage: Stage) -> dict[str, str]:
    """A job of another queue whose lease has ended, as its helper tells."""
    job = str(uuid4())
    ended = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    told = {"job_id": job, "worker_id": "helper-1", "phase": "claim", "lease_expires_at": ended}
    answered = await stage.api.post("/api/pls/watchdog/job-attempt", told, role="worker")
    assert answered.status < 400, answered.body
    return {"job": job}


async def _own_session(stage: Stage) -> dict[str, str]:
    """Another session of the one who acts."""
    identity, logins = stage.project.app.identity, stage.project.app.login_links
    made = await identity.create_token("lin-owner", Role.OWNER, None, actor="test")
    principal = await identity.authenticate(made.secret)
    await logins.consume_code((await logins.create_code(principal)).code)
    [newest, *_] = await logins.sessions(principal.id)
    return {"session": str(newest["id"])}


async def _view(stage: Stage) -> dict[str, str]:
    kept = await stage.api.post("/api/views", {"name": uuid4().hex, "address": "/jobs", "of_project": True})
    return {"view_id": kept.body["view"]["id"]}


async def _share(stage: Stage) -> dict[str, str]:
    made = await stage.post("/api/shares", address="/reports/stages", days=1)
    return {"share_id": made["share"]["id"]}


def _filter() -> dict[str, str]:
    """All paused jobs that were made a day ago: none."""
    before = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    return {"what": "resume", "state": "paused", "made_before": before}


async def _all_that_match(stage: Stage) -> dict[str, str]:
    return _filter()


async def _bulk(stage: Stage) -> dict[str, str]:
    begun = await stage.post("/api/bulk-acts", **_filter())
    return {"act_id": begun["bulk_act"]["id"]}


async def _tripped(stage: Stage) -> dict[str, str]:
    await rows(
        stage.project.app.database,
        "INSERT INTO watchkeeper.repair_breakers (project_id, rule, pool, attempts, tripped_at)"
        " VALUES ('p', 'doctor_failed', 'default', 20, watchkeeper.now())",
        {},
    )
    return {"rule": "doctor_failed", "pool": "default"}


TARGETS: dict[str, Target] = {
    "job-pause": _job(),
    "job-resume": _job("pause"),
    "job-requeue": _job("cancel"),
    "job-cancel": _job(),
    "job-fail": _job(),
    "lease-release": _held,
    "lease-reclaim": _held,
    "lease-mark-stale": _held,
    "foreign-release": _mirrored,
    "foreign-reclaim": _mirrored,
    "foreign-mark-stale": _mirrored,
    "late-accept": _late,
    "late-discard": _late,
    "kind-pause": _after(None, kind=KIND),
    "kind-resume": _after(f"/api/kinds/{KIND}/pause", kind=KIND),
    "worker-drain": _after(None, worker_id="w1"),
    "worker-resume": _after("/api/workers/w1/drain", worker_id="w1"),
    "project-pause": _after(None, project_id="p"),
    "project-resume": _after("/api/projects/p/pause", project_id="p"),
    "switch-off": _after(None, name="actions"),
    "switch-on": _switched_off,
    "breaker-reset": _tripped,
    "token-create": _after(None),
    "token-create-whole": _after(None),
    "token-rotate": _token,
    "token-revoke": _token,
    "login-invite": _after(None),
    "login-invite-whole": _after(None),
    "session-end": _own_session,
    "view-save": _after(None, address="/jobs?state=stuck"),
    "view-remove": _view,
    "share-make": _after(None, address="/reports/stages"),
    "share-revoke": _share,
    "badges-renew": _after(None),
    "bulk-begin": _all_that_match,
    "bulk-stop": _bulk,
}
"""By the name of the act: what gives its target's names."""
