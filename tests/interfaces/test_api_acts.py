"""What operators do over HTTP: acts once per key, jobs, kinds, projects, workers, tokens, schedules, switches."""

from __future__ import annotations

import asyncio
from typing import Any

from interfaces.api_client import PAGE, Answered, Api
from raw_sql import rows

from watchkeeper.interfaces.api.openapi import document

WHY = {"reason": "maintenance"}


def needing_a_key() -> list[tuple[str, str]]:
    """Give the routes whose document says that a key is required."""
    return [
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    ]


async def test_every_act_needs_an_idempotency_key(api: Api) -> None:
    """An act without the header is refused and names it; a key of blanks or 201 letters is no key."""
    acts = needing_a_key()
    assert {path.rsplit("/", 1)[-1] for _, path in acts} >= {
        "cancel",
        "pause",
        "resume",
        "requeue",
        "fail",
        "drain",
    }
    for method, path in acts:
        filled = path.replace("{name}", "claims").replace("{", "").replace("}", "")
        answered = await api.ask(method, filled, {"reason": "x"}, key=None)
        assert answered.code == "usage"
        assert "Idempotency-Key" in answered.body["detail"]
    job = await api.enqueue()
    for key in (" ", "k" * 201):
        answered = await api.post(f"/api/jobs/{job}/pause", WHY, key=key)
        assert answered.code == "usage"


async def test_an_act_repeated_with_its_key_is_answered_alike_and_done_once(api: Api) -> None:
    """The second answer is the first one's; another payload under the key is 422; another key acts anew."""
    job = await api.enqueue()
    first = await api.post(f"/api/jobs/{job}/pause", WHY, key="k1")
    again = await api.post(f"/api/jobs/{job}/pause", WHY, key="k1")
    assert (first.status, again.body) == (200, first.body)
    assert (again.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    other = await api.post(f"/api/jobs/{job}/pause", {"reason": "another"}, key="k1")
    assert (other.status, other.code) == (422, "usage")
    elsewhere = await api.post(f"/api/jobs/{await api.enqueue()}/pause", WHY, key="k1")
    assert elsewhere.status == 422
    assert (await api.post(f"/api/jobs/{job}/pause", WHY, key="k2")).code == "conflict"
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k1")).status == 200
    events = await rows(
        api.app.database, "SELECT event FROM watchkeeper.audit_events WHERE event = 'job_paused'"
    )
    assert len(events) == 1


async def test_a_refused_act_leaves_its_key_free(api: Api) -> None:
    """An act that was refused changed nothing; once it is possible the same key carries it out."""
    job = await api.enqueue()
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k")).code == "conflict"
    await api.post(f"/api/jobs/{job}/pause", WHY)
    assert (await api.post(f"/api/jobs/{job}/resume", WHY, key="k")).job["state"] == "pending"


async def test_the_same_act_sent_twice_at_once_is_done_once(api: Api) -> None:
    """Of two requests under one key at the same moment one acts; the other replays it or is asked to wait."""
    ended = await api.claimed()
    await api.command("complete", ended, summary="done", artifacts=[])
    path = f"/api/jobs/{ended['id']}/requeue"
    both = await asyncio.gather(*(api.post(path, WHY, key="once") for _ in range(5)))
    assert {answer.status for answer in both} <= {200, 409}
    assert len({answer.body["job"]["id"] for answer in both if answer.status == 200}) == 1
    retries = await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs WHERE retry_of IS NOT NULL")
    assert len(retries) == 1


async def test_keys_of_two_principals_do_not_meet(api: Api) -> None:
    """A key belongs to who sent it."""
    job = await api.enqueue()
    assert (await api.post(f"/api/jobs/{job}/pause", WHY, key="k")).status == 200
    answered = await api.post(f"/api/jobs/{job}/pause", WHY, key="k", role="supervisor")
    assert answered.code == "conflict"


async def test_enqueueing_with_a_key_makes_the_jobs_once(api: Api) -> None:
    """The same bulk under the same key gives the same ids; without a key it makes new ones."""
    batch = [{"kind": "a"}, {"kind": "b", "priority": 3}]
    first = await api.post("/api/jobs", batch, key="bulk")
    again = await api.post("/api/jobs", batch, key="bulk")
    assert (first.status, first.body) == (201, again.body)
    assert len(await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs")) == 2
    await api.post("/api/jobs", batch, key=None)
    assert len(await rows(api.app.database, "SELECT 1 FROM watchkeeper.job_specs")) == 4


async def test_progress_with_a_key_is_recorded_once(api: Api) -> None:
    """A repeated progress under one key is one phase; another message under it is 422."""
    job = await api.claimed()
    path = f"/api/worker/jobs/{job['id']}/progress"

    async def send(message: str) -> Answered:
        return await api.post(
            path,
            {"message": message, "phase": "build"},
            role="worker",
            lease=job["lease_token"],
            headers={"Idempotency-Key": "p1"},
        )

    first, again, other = await send("half"), await send("half"), await send("whole")
    assert (first.status, again.body, other.status) == (200, first.body, 422)
    phases = await rows(api.app.database, "SELECT 1 FROM watchkeeper.worker_runs WHERE phase = 'build'")
    assert len(phases) == 1


async def test_a_tokens_secret_is_shown_once(api: Api) -> None:
    """Making a token shows its secret; the repeated request does not, nor does any table or list."""
    made = await api.post("/api/tokens", {"name": "bot", "role": "worker"}, key="t1")
    secret = made.body["token"]["secret"]
    assert made.status == 201
    again = await api.post("/api/tokens", {"name": "bot", "role": "worker"}, key="t1")
    assert (again.status, again.code) == (409, "conflict")
    assert again.body["error"]["details"]["answer"]["token"]["id"] == made.body["token"]["id"]
    kept = await rows(api.app.database, "SELECT answer::text FROM watchkeeper.idempotency_records")
    assert all(secret not in (row["answer"] or "") for row in kept)
    listed = await api.get("/api/tokens")
    assert secret not in str(listed.body)
    assert (await api.post("/api/worker/touch", {"worker_id": "w"}, token=secret)).status == 200
    gone = await api.ask("DELETE", f"/api/tokens/{made.body['token']['id']}?reason=leaked")
    assert gone.body["revoked"] is True
    assert (await api.post("/api/worker/touch", {"worker_id": "w"}, token=secret)).status == 401


async def test_tokens_stay_within_the_project_of_who_makes_them(api: Api) -> None:
    """An owner of a project makes tokens for it alone; a worker token needs a project."""
    bound = {"name": "n", "role": "owner"}
    assert (await api.post("/api/tokens", bound)).body["token"]["project_id"] == "p"
    assert (await api.post("/api/tokens", {**bound, "project_id": "q"})).status == 404
    assert (await api.post("/api/tokens", {**bound, "project_id": None})).body["token"]["project_id"] == "p"
    whole = await api.token("owner", None)
    assert (await api.post("/api/tokens", bound, token=whole)).body["token"]["project_id"] is None
    worker = {"name": "n", "role": "worker"}
    assert (await api.post("/api/tokens", worker, token=whole)).code == "usage"
    assert (await api.post("/api/tokens?project=p", worker, token=whole)).status == 201


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
    changed = await api.post("/api/kinds", {"name": "page", "max_attempts": 5})
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
    assert (await api.get("/api/watchdog/queue-health")).body["watchdog"]["ok"] is True


async def test_doctor_is_red_for_a_stopped_worker_and_shows_operators_the_system(api: Api) -> None:
    """200 with ok false and every check; `system` is for supervisors and owners, never for workers."""
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
            "artifact_disk",
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
    assert (await download(0, Range="bytes=0-8")).content == PAGE[:9]
    api.app.artifacts.path("p", stored[0]["sha256"]).unlink()
    gone = await api.get(f"/api/artifacts/{stored[0]['id']}")
    assert gone.code == "internal_error"
    assert "gone" in gone.body["detail"]
