"""What each act of the console is tried on: something fresh, in the state that the act is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from browser import deciding
from browser.acting_alerts import ALERT_TARGETS
from browser.stage import KIND, Stage, Target
from raw_sql import rows
from watchkeeper.domain.principals import Role


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


async def _agent_session(stage: Stage) -> dict[str, str]:
    """A session that its supervisor tells of while it holds the job."""
    job = await stage.held()
    path, said = f"/api/worker/jobs/{job['id']}/session", {"agent": "codex", "state": "running", "turns": 1}
    told = await stage.api.ask("POST", path, said, role="worker", lease=job["lease_token"])
    assert told.status < 400, told.body
    return {"session_id": told.body["session"]["id"]}


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
    "session-interrupt": _agent_session,
    "view-save": _after(None, address="/jobs?state=stuck"),
    "view-remove": _view,
    "share-make": _after(None, address="/reports/stages"),
    "share-revoke": _share,
    "badges-renew": _after(None),
    "bulk-begin": _all_that_match,
    "bulk-stop": _bulk,
    **deciding.TARGETS,
    **ALERT_TARGETS,
}
"""By the name of the act: what gives its target's names."""
