"""The audit trail over HTTP: a project's own rows, page by page, and how the chain stands."""

from __future__ import annotations

from audit_trail import attack, seal_all
from interfaces.api_client import Api


async def test_a_project_reads_its_trail_page_by_page(api: Api) -> None:
    """Every row comes once, the newest first, and only this project's."""
    made = [await api.enqueue() for _ in range(3)]
    await api.app.kinds.ensure_project("q")
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await api.get(f"/api/audit?event=jobs_enqueued&limit=2{cursor}", role="viewer")).body
        found += [event["job_id"] for event in page["events"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == made[::-1]
    theirs = await api.token("viewer", "q")
    assert (await api.get("/api/audit?event=jobs_enqueued", token=theirs)).body["events"] == []


async def test_rows_are_found_by_job_event_and_actor(api: Api) -> None:
    """Filters narrow the list; an unknown job and a cursor of one's own making are refused."""
    job, _ = await api.enqueue(), await api.enqueue()
    [event] = (await api.get(f"/api/audit?job={job}")).body["events"]
    assert (event["event"], event["job_id"]) == ("jobs_enqueued", job)
    assert (await api.get("/api/audit?actor=nobody")).body["events"] == []
    assert (await api.get("/api/audit?job=00000000-0000-7000-8000-000000000000")).code == "job_not_found"
    for cursor in ("1;2", "1-2", "99999999999999999-0"):
        assert (await api.get(f"/api/audit?cursor={cursor}")).code == "usage"


async def test_owners_of_the_whole_see_how_the_chain_stands(api: Api) -> None:
    """They see the lag and the last verification; a project's owner does not, since others' activity would show."""
    await api.enqueue()
    whole = await api.token("owner", None)
    assert (await api.get("/api/audit/state")).code == "permission_denied"
    before = (await api.get("/api/audit/state", token=whole)).body
    assert before["chain"]["unsealed_rows"] > 0
    assert before["verification"] is None
    await seal_all(api.app)
    await attack(
        api.app.database, "UPDATE watchkeeper.audit_events SET actor = 'x' WHERE event = 'jobs_enqueued'"
    )
    await api.app.audit_reading.remember(await api.app.audit_verifier.verify())
    after = (await api.get("/api/audit/state", token=whole)).body
    assert after["chain"]["unsealed_rows"] == 0
    assert after["verification"]["findings"][0]["what"] == "edited"


async def test_late_seals_are_red(api: Api) -> None:
    """`doctor --system` says when nobody seals."""
    await api.enqueue()
    checks = {check.name: check for check in await api.app.diagnosis.system()}
    assert checks["audit_seals"].ok
    await attack(api.app.database, "UPDATE watchkeeper.audit_events SET at = at - interval '2 minutes'")
    checks = {check.name: check for check in await api.app.diagnosis.system()}
    assert not checks["audit_seals"].ok
