"""Who may do what over HTTP: every route with every role, tenants apart, job tokens within their job."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from interfaces.api_client import Api, serving
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Right, Role
from watchkeeper.interfaces.api.limits import ApiLimits, Buckets
from watchkeeper.interfaces.api.openapi import document

NOBODY = "00000000-0000-7000-8000-000000000000"


def routes() -> Iterator[tuple[str, str, frozenset[Right] | None]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            rights = operation.get("x-rights")
            yield method, path, None if rights is None else frozenset(map(Right, rights))


def filled(path: str) -> str:
    path = path.replace("/switches/{name}", "/switches/claims")
    return re.sub(r"\{\w+\}", NOBODY, path)


async def test_without_a_token_every_route_answers_unauthenticated(api: Api) -> None:
    """No token, a broken header, an unknown, expired or revoked token: 401 with WWW-Authenticate, on any route."""
    for method, path, rights in routes():
        if rights is not None:
            answered = await api.ask(method.upper(), filled(path), None, role="")
            assert (answered.status, answered.code) == (401, "unauthenticated"), f"{method} {path}"
            assert answered.headers["www-authenticate"] == "Bearer"
    made = await api.app.identity.create_token("gone", Role.OWNER, "p", actor="test")
    await api.app.identity.revoke(made.id, None, actor="test", reason="test")
    for header in ("Basic eDp5", "Bearer", "Bearer x y", "Bearer wko_unknown", f"Bearer {made.secret}"):
        answered = await api.get("/api/jobs", role="", headers={"Authorization": header})
        assert answered.code == "unauthenticated"


async def test_an_expired_token_is_refused(api: Api, clock: MovingClock) -> None:
    """A token with a lifetime works until its end and no longer."""
    body = {"name": "short", "role": "viewer", "lifetime_seconds": 60}
    made = await api.post("/api/tokens", body)
    secret = made.body["token"]["secret"]
    assert (await api.get("/api/jobs", token=secret)).status == 200
    clock.advance(61)
    assert (await api.get("/api/jobs", token=secret)).code == "unauthenticated"


async def test_other_tenants_rows_do_not_exist(api: Api) -> None:
    """Jobs, workers, artifacts, tokens and projects of another project answer 404, whatever is tried."""
    await api.app.kinds.ensure_project("q")
    theirs = await api.token("owner", "q")
    job = await api.claimed()
    stored = (await api.upload(job, index__html=b"<p>ours</p>")).body["artifacts"][0]["id"]
    mine = (await api.get("/api/tokens")).body["tokens"][0]["id"]
    reason = {"reason": "theirs"}
    for method, path, body in [
        ("GET", f"/api/jobs/{job['id']}", None),
        ("GET", f"/api/jobs/{job['id']}/timeline", None),
        *(
            ("POST", f"/api/jobs/{job['id']}/{act}", reason)
            for act in ("cancel", "pause", "resume", "requeue", "fail")
        ),
        ("GET", f"/api/artifacts/{stored}", None),
        ("POST", "/api/workers/w1/drain", reason),
        ("POST", "/api/kinds/report/pause", reason),
        ("POST", "/api/projects/p/pause", reason),
        ("DELETE", f"/api/tokens/{mine}?reason=theirs", None),
        ("GET", "/api/jobs?project=p", None),
        ("GET", f"/api/worker/jobs/{job['id']}/context", None),
        ("POST", f"/api/worker/jobs/{job['id']}/fail", reason),
    ]:
        answered = await api.ask(method, path, body, token=theirs, lease=job["lease_token"])
        assert answered.status == 404, f"{method} {path}: {answered.body}"
    assert (await api.get("/api/jobs", token=theirs)).body["jobs"] == []
    assert [p["project_id"] for p in (await api.get("/api/projects", token=theirs)).body["projects"]] == ["q"]
    assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == "running"


async def test_an_owner_of_the_whole_names_the_project(api: Api) -> None:
    """A token of no project names one by ?project=; without it, or with an unknown one, 404 says so."""
    whole = await api.token("owner", None)
    job = await api.enqueue()
    assert (await api.get("/api/jobs?project=p", token=whole)).body["jobs"][0]["id"] == job
    unnamed = await api.get("/api/jobs", token=whole)
    assert (unnamed.status, "project=" in unnamed.body["error"]["hint"]) == (404, True)
    for method, path, body in [
        ("GET", "/api/jobs?project=nope", None),
        ("POST", "/api/jobs?project=nope", {"kind": "report"}),
        ("POST", "/api/worker/claim?project=nope", {"worker_id": "w"}),
    ]:
        assert (await api.ask(method, path, body, token=whole)).code == "not_found"
    for path, body in [
        ("/api/switches/claims", {"on": False, "reason": "x"}),
        ("/api/projects", {"project_id": "r"}),
    ]:
        assert (await api.post(path, body)).code == "permission_denied"
        assert (await api.post(path, body, token=whole)).status == 200
    assert (await api.worker("claim")).body["job"] is None


async def test_a_job_token_is_for_its_own_job_only(api: Api) -> None:
    """With it the job's commands need no lease; other routes are denied, other jobs are not there."""
    job, other = await api.claimed(), await api.claimed(worker="w2")
    path = f"/api/worker/jobs/{job['id']}"
    made = await api.post(f"{path}/token", {}, role="worker", lease=job["lease_token"])
    token = made.body["token"]
    assert token.startswith("wkj_")
    assert (await api.get(f"{path}/context", token=token)).status == 200
    moved = {"message": "on it", "phase": "build"}
    assert (await api.post(f"{path}/progress", moved, token=token)).body["status"] == "running"
    for method, route, body in [
        ("POST", "/api/worker/claim", {"worker_id": "w1"}),
        ("POST", "/api/worker/doctor", {"worker_id": "w1"}),
        ("POST", "/api/worker/renew", {"worker_id": "w1", "leases": []}),
        ("GET", "/api/jobs", None),
        ("GET", "/api/watchdog/queue-health", None),
        ("POST", f"{path}/token", {}),
    ]:
        assert (await api.ask(method, route, body, token=token)).code == "permission_denied", route
    theirs = f"/api/worker/jobs/{other['id']}"
    for method, verb in [("GET", "context"), ("POST", "verify")]:
        answered = await api.ask(method, f"{theirs}/{verb}", token=token, lease=other["lease_token"])
        assert answered.code == "job_not_found"


async def test_a_job_token_dies_with_its_lease_but_learns_how_it_ended(api: Api) -> None:
    """After the end, the same terminal command answers alike, and every other one is stale."""
    job = await api.claimed()
    path = f"/api/worker/jobs/{job['id']}"
    token = (await api.post(f"{path}/token", {}, role="worker", lease=job["lease_token"])).body["token"]
    body = {"summary": "done", "artifacts": []}
    first = await api.post(f"{path}/complete", body, token=token)
    await api.app.retention.run_once()
    again = await api.post(f"{path}/complete", body, token=token)
    assert (first.status, first.body) == (200, again.body)
    assert (await api.get(f"{path}/context", token=token)).code == "stale_lease"
    events = await rows(
        api.app.database, "SELECT command, worker_id FROM watchkeeper.helper_events ORDER BY id"
    )
    assert [(row["command"], row["worker_id"]) for row in events] == [
        ("claim", "w1"),
        ("complete", "w1"),
        ("complete", "w1"),
        ("context", "w1"),
    ]


async def test_too_many_requests_answer_429_with_retry_after(app: App) -> None:
    """Each token has its own bucket; an empty one answers rate_limited and says when to come back."""
    async with serving(app, ApiLimits(interactive_per_second=2)) as api:
        codes = [(await api.get("/api/jobs")).status for _ in range(3)]
        assert codes == [200, 200, 429]
        assert (await api.get("/api/jobs", role="viewer")).status == 200
        limited = await api.get("/api/jobs")
        assert (limited.code, int(limited.headers["retry-after"]) >= 1) == ("rate_limited", True)
        assert limited.headers["ratelimit-policy"] == '"token";q=2;w=1'
        assert limited.headers["ratelimit"] == '"token";r=0;t=1'
        assert (await api.worker("touch")).status == 200


def test_a_bucket_fills_again_with_time() -> None:
    """A token that waited may ask again, up to one second's worth at once."""
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    for _ in range(2):
        buckets.take(b"t", 2)
    now[0] += 0.5
    buckets.take(b"t", 2)
    with pytest.raises(Exception, match="2 times a second"):
        buckets.take(b"t", 2)
