"""What operators do over HTTP: jobs, kinds, projects, workers, schedules, artifacts, the diagnosis."""

from __future__ import annotations

from typing import Any

import pytest

from interfaces.api_client import PAGE, Api
from raw_sql import rows

WHY = {"reason": "maintenance"}


async def test_jobs_are_listed_page_by_page(api: Api) -> None:
    """Newest first; next_cursor leads on without gaps or repeats; state and kind narrow the list."""
    ids = [await api.enqueue(kind) for kind in ("a", "a", "b", "a", "b")]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.get(f"/api/jobs?limit=2{f'&cursor={cursor}' if cursor else ''}")
        seen += [job["id"] for job in page.body["jobs"]]
        cursor = page.body["next_cursor"]
    assert seen == ids[::-1]
    assert [job["id"] for job in (await api.get("/api/jobs?kind=b")).body["jobs"]] == [ids[4], ids[2]]
    await api.post(f"/api/jobs/{ids[0]}/pause", WHY)
    for state, count in [("paused", 1), ("pending", 4), ("completed", 0), ("running", 0), ("failed", 0)]:
        assert len((await api.get(f"/api/jobs?state={state}")).body["jobs"]) == count, state


async def test_a_unique_job_answers_with_the_one_that_is_there(api: Api) -> None:
    """A unique key or foreign id that is taken gives the same job, marked as existing."""
    for key in ("unique_key", "external_id"):
        first = (await api.post("/api/jobs", {"kind": "a", key: "one"})).job
        second = (await api.post("/api/jobs", {"kind": "a", key: "one"})).job
        assert (first["existing"], second["existing"], first["id"]) == (False, True, second["id"])


@pytest.mark.parametrize("other", [{"payload": {"n": 2}}, {"kind": "b"}], ids=["payload", "kind"])
@pytest.mark.parametrize("keys", [{}, {"unique_key": "u"}], ids=["alone", "with a unique key"])
async def test_another_job_under_a_known_foreign_id_is_refused(
    api: Api, other: dict[str, Any], keys: dict[str, Any]
) -> None:
    """Asked again for the same, a foreign id gives the same job; asked for something else, nothing is lost unsaid."""
    asked = {"kind": "a", "external_id": "one", "payload": {"n": 1, "x": [1.0]}, **keys}
    first = (await api.post("/api/jobs", asked)).job["id"]
    refused = await api.post("/api/jobs", [{"kind": "a"}, {**asked, **other}])
    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.body["error"]["details"] == {"job": first}
    again = (await api.post("/api/jobs", {**asked, "payload": {"x": [1], "n": 1}})).job
    assert again == {"id": first, "existing": True}
    assert len((await api.get("/api/jobs")).body["jobs"]) == 1


async def test_an_operator_moves_a_job_through_its_life(api: Api) -> None:
    """pause, resume, fail, requeue, cancel: each answers the new state; what is not allowed is a conflict."""
    job = await api.enqueue()
    path = f"/api/jobs/{job}"
    assert (await api.post(f"{path}/pause", WHY)).job["state"] == "paused"
    assert (await api.post(f"{path}/resume", WHY)).job["state"] == "pending"
    assert (await api.post(f"{path}/fail", WHY)).job["state"] == "failed"
    assert (await api.post(f"{path}/resume", WHY)).code == "conflict"
    again = (await api.post(f"{path}/requeue", WHY)).job["id"]
    assert (await api.get(f"/api/jobs/{again}")).job["retry_of"] == job
    assert (await api.post(f"/api/jobs/{again}/cancel", WHY)).job["state"] == "cancelled"
    running = await api.claimed(kind="other")
    forced = await api.post(f"/api/jobs/{running['id']}/cancel", {**WHY, "force": True})
    assert forced.job["state"] == "cancelled"
    assert (await api.command("context", running)).code == "stale_lease"
    timeline = (await api.get(f"{path}/timeline")).body["timeline"]
    assert [row["event"] for row in timeline][-3:] == ["job_paused", "job_resumed", "job_failed"]
    assert {row["reason"] for row in timeline[-3:]} == {"maintenance"}


async def test_paused_kinds_and_projects_hand_out_nothing(api: Api) -> None:
    """A paused kind or project declines its jobs with the reason paused; resumed, they are claimed."""
    await api.enqueue()
    for path in ("/api/kinds/report", "/api/projects/p"):
        assert (await api.post(f"{path}/pause", WHY)).body["paused"] is True
        declined = (await api.worker("claim")).body["declined"]
        assert [row["reason"] for row in declined] == ["paused"]
        assert (await api.post(f"{path}/resume", WHY)).body["paused"] is False
    assert (await api.worker("claim")).job["kind"] == "report"


async def test_kinds_are_declared_and_listed(api: Api) -> None:
    """A declaration changes the kind and keeps what a person paused."""
    made = await api.post("/api/kinds", {"name": "page", "on_lost": "requeue", "cost_limit": "1.50"})
    assert (made.body["kind"]["name"], made.body["kind"]["on_lost"]) == ("page", "requeue")
    await api.post("/api/kinds/page/pause", WHY)
    changed = await api.post("/api/kinds?reason=more+tries", {"name": "page", "max_attempts": 5})
    said = "SELECT reason FROM watchkeeper.audit_events WHERE event = 'kind_declared' ORDER BY at, seq"
    assert [row["reason"] for row in await rows(api.app.database, said)] == [None, "more tries"]
    assert changed.body["kind"]["paused_at"] is not None
    kinds = (await api.get("/api/kinds")).body["kinds"]
    assert [(kind["name"], kind["max_attempts"]) for kind in kinds] == [("page", 5)]


async def test_projects_are_made_and_removed_by_owners_of_the_whole(api: Api) -> None:
    """Making one twice is harmless; removing one takes its jobs and tokens, and can be repeated by its key."""
    whole = await api.token("owner", None)
    body = {"project_id": "demo", "title": "Demo"}
    created = [(await api.post("/api/projects", body, token=whole)).body["created"] for _ in range(2)]
    assert created == [True, False]
    theirs = await api.token("owner", "demo")
    await api.post("/api/jobs", {"kind": "a"}, token=theirs)
    for _ in range(2):
        gone = await api.ask("DELETE", "/api/projects/demo?reason=tried", token=whole, key="gone")
        assert gone.body["deleted"] is True
    assert (await api.get("/api/jobs", token=theirs)).status == 401
    assert (await api.ask("DELETE", "/api/projects/system?reason=x", token=whole, key="all")).code == "usage"
    assert (await api.get("/api/watchdog/incidents?project=system", token=whole)).body["incidents"] == []
    assert (await api.post("/api/jobs?project=system", {"kind": "k"}, token=whole)).code == "usage"
    token = {"name": "x", "role": "worker", "project_id": "system"}
    assert (await api.post("/api/tokens", token, token=whole)).code == "usage"
    assert (await api.get("/api/watchdog/incidents?project=system")).status == 404
    assert (await api.post("/api/projects", {"project_id": "No Good"}, token=whole)).code == "usage"


async def test_a_drained_worker_claims_nothing_until_it_is_resumed(api: Api) -> None:
    """drain and resume show in the list of workers and in what a claim gives."""
    await api.enqueue()
    await api.worker("touch")
    await api.post("/api/workers/w1/drain", WHY)
    assert (await api.get("/api/workers")).body["workers"][0]["draining"] is True
    assert (await api.worker("claim")).body["job"] is None
    await api.post("/api/workers/w1/resume", WHY)
    job = (await api.worker("claim")).job
    leases = (await api.get("/api/leases")).body["leases"]
    assert [(lease["job_id"], lease["worker_id"]) for lease in leases] == [(job["id"], "w1")]


async def test_a_schedule_says_when_it_fires_next_and_what_is_wrong_with_it(api: Api) -> None:
    """Cron expression, time zone and kind are checked when the schedule is made."""
    good = {"name": "nightly", "cron": "0 3 * * *", "kind": "report", "time_zone": "Asia/Taipei"}
    made = (await api.post("/api/schedules", good)).body["schedule"]
    assert "T03:00:00+08:00" in made["next_at"]
    assert [row["name"] for row in (await api.get("/api/schedules")).body["schedules"]] == ["nightly"]
    for key, value, says in [
        ("cron", "0 25 * * *", "Bad hour"),
        ("cron", "often", "Wrong number of fields"),
        ("cron", "0 0 31 2 *", "cron"),
        ("time_zone", "Mars/Olympus", "time zone"),
        ("time_zone", "../../etc/passwd", "time zone"),
        ("kind", "a b", "kind"),
    ]:
        answered = await api.post("/api/schedules", {**good, key: value})
        assert (answered.code, says in answered.body["detail"]) == ("usage", True), answered.body
    assert (await api.ask("DELETE", "/api/schedules/nightly")).body["deleted"] is True
    assert (await api.get("/api/schedules")).body["schedules"] == []


async def test_queue_health_says_what_waits_and_why(api: Api) -> None:
    """Each kind with its counts, the age of the oldest, and the reasons; and when the watchdog last ran."""
    await api.enqueue()
    health = (await api.get("/api/watchdog/queue-health", role="viewer")).body
    assert health["watchdog"] == {"last_tick_at": None, "ok": False}
    (queue,) = health["queues"]
    assert (queue["kind"], queue["ready"], queue["waiting_reasons"]) == (
        "report",
        1,
        {"no_eligible_worker": 1},
    )
    await api.app.maintenance.reap()
    assert (await api.get("/api/watchdog/queue-health")).body["watchdog"]["ok"] is False
    await api.app.watchdog.watch.run_once()
    assert (await api.get("/api/watchdog/queue-health")).body["watchdog"]["ok"] is True


async def test_doctor_is_red_for_a_stopped_worker_and_shows_operators_the_system(api: Api) -> None:
    """200 with ok false and every check; `system` is for supervisors and owners of the whole, never for a project's."""
    await api.worker("touch")
    await rows(
        api.app.database,
        "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now(), stop_reason = 'silent loop'",
    )
    red = await api.worker("doctor")
    assert (red.status, red.body["ok"]) == (200, False)
    assert "silent loop" in str(red.body["checks"])
    asked = {"worker_id": "w1", "system": True}
    assert (await api.post("/api/worker/doctor", asked, role="worker")).code == "permission_denied"
    for role in ("supervisor", "owner"):
        assert (await api.post("/api/worker/doctor", asked, role=role)).code == "permission_denied"
        whole = await api.token(role, None)
        body = {"worker_id": "me", "system": True}
        seen = (await api.post("/api/worker/doctor", body, token=whole)).body
        names = {check["name"] for check in seen["checks"]}
        assert names >= {
            "database",
            "schema",
            "fsync",
            "replicas",
            "reaper",
            "claims",
            "actions",
            "artifact_store",
        }
        assert seen["ok"] is False
        assert [check["ok"] for check in seen["checks"] if check["name"] == "reaper"] == [False]


async def test_artifacts_are_handed_out_for_a_sandbox(api: Api) -> None:
    """Bytes as they were stored, with a policy that lets a browser run nothing of them, and ranges."""
    job = await api.claimed()
    stored = (await api.upload(job, index__html=PAGE, data__bin=b"\x00\x01")).body["artifacts"]
    headers = {"Authorization": f"Bearer {await api.token('viewer')}"}

    async def download(number: int, **more: str) -> Any:
        return await api.http.get(f"/api/artifacts/{stored[number]['id']}", headers=headers | more)

    page, data = await download(0), await download(1)
    assert (page.status_code, page.content) == (200, PAGE)
    assert page.headers["content-security-policy"].startswith("sandbox;")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["content-disposition"].startswith('inline; filename="index.html"')
    assert (data.content, data.headers["content-disposition"].split(";")[0]) == (b"\x00\x01", "attachment")
    assert page.headers["etag"] == f'"{stored[0]["sha256"]}"'
    size = len(PAGE)
    for asked, part in {
        "bytes=0-8": PAGE[:9],
        "bytes=9-": PAGE[9:],
        "bytes=-5": PAGE[-5:],
        f"bytes=3-{size * 2}": PAGE[3:],
        f"bytes=-{size * 2}": PAGE,
        "bytes=5-3": PAGE,
        "bytes=0-1,4-5": PAGE,
        "lines=1-2": PAGE,
    }.items():
        got = await download(0, Range=asked)
        assert (got.content, got.status_code) == (part, 200 if part == PAGE else 206), asked
        assert got.headers.get("content-range", "").endswith("" if part == PAGE else f"/{size}")
    assert (await download(0, Range="bytes=0-8", **{"If-Range": page.headers["etag"]})).status_code == 206
    assert (await download(0, Range="bytes=0-8", **{"If-Range": '"other"'})).content == PAGE
    past = await download(0, Range=f"bytes={size}-")
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{size}")
    api.app.artifacts.path("p", stored[0]["sha256"]).unlink()
    gone = await api.get(f"/api/artifacts/{stored[0]['id']}")
    assert gone.code == "internal_error"
    assert "gone" in gone.body["detail"]
