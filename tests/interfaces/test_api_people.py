"""People over HTTP: asked, reminded once, answered; replies that decide; signals and how far they came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from interfaces.api_client import PAGE, Api
from moving_clock import MovingClock
from raw_sql import rows

WHY = {"reason": "agreed"}
RECORD: dict[str, Any] = {
    "kind": "watchdog_config",
    "decision": "Adopt the watchdog config.",
    "problem": "Workers can appear alive while projects do not advance.",
    "options": ["Write a LINE warning only.", "Create watchdog config plus runbook."],
    "recommendation": "Choose option 2.",
    "reasoning": "It creates measurable thresholds.",
    "feedback_if_rejected": "Say which threshold is too strict.",
    "fingerprint": "adopt-watchdog",
}
SIGNAL: dict[str, Any] = {
    "source": "company_signal_mastery",
    "topic_key": "codex-session-stability",
    "text": "E2E test says incoming signals must advance projects and strengthen huber persona.",
    "related_people": ["80241131", "a99e5c60", "b4e18b57"],
    "related_projects": ["360bdd66", "9ae8f0da", "d2afbba2"],
    "annotations": {"decision": "use watchdog", "risk": ["No-job loops hide backlog"]},
    "persona": "huber",
}
OPEN_INCIDENT = """
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, cause, opened_at)
VALUES (%(project)s, 'fetch_failed', gen_random_uuid()::text, 'high', %(cause)s, watchkeeper.now())
"""


async def asked(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"person": "Louis", "question": "May a stale lease be released?", **fields}
    return dict((await api.post("/api/people-syncs", body, role="supervisor")).body["people_sync"])


async def proposed(api: Api) -> str:
    return str((await api.post("/api/proposals", RECORD, role="worker")).body["proposal"]["id"])


async def test_who_does_not_answer_in_time_is_reminded_once(api: Api, clock: MovingClock) -> None:
    """The reminder goes through the outbox with person, time and question; an answer in time needs none."""
    [now] = await rows(api.app.database, "SELECT watchkeeper.now() + interval '1 hour' AS due")
    due = now["due"].isoformat()
    late, early = await asked(api, due_at=due), await asked(api, due_at=due, person="Lin")
    await asked(api, person="no hurry")
    people = api.app.watchdog.knowledge.people
    ran = await people.run_once()
    assert ran.counts["people_reminded"] == 0
    assert 3500 < (ran.next_in or 0) <= 3600
    answer = {"answer": "yes; policy.reclaim: auto"}
    answered = await api.post(f"/api/people-syncs/{early['id']}/answer", answer)
    assert (answered.body["reply"], answered.body["people_sync"]["effect"]) == (None, None)
    again = await api.post(f"/api/people-syncs/{early['id']}/answer", answer)
    assert again.code == "conflict"
    clock.advance(3601)
    assert [(await people.run_once()).counts["people_reminded"] for _ in range(2)] == [1, 0]
    alerts = await rows(api.app.database, "SELECT recipient, body FROM watchkeeper.alerts")
    assert [alert["recipient"] for alert in alerts] == ["Louis"]
    assert "May a stale lease be released?" in alerts[0]["body"]
    [first] = (await api.get("/api/people-syncs?unanswered=true&limit=2", role="viewer")).body[
        "people_syncs"
    ][1:]
    assert (first["id"], first["is_overdue"]) == (late["id"], True)


async def test_a_question_is_due_in_time_to_come(api: Api) -> None:
    """A time that is over is refused and names itself; an id that is none, or nobody's, is told as not found."""
    late = {"person": "Louis", "question": "Now?", "due_at": "2020-01-01T00:00:00Z"}
    refused = await api.post("/api/people-syncs", late)
    assert (refused.status, "2020-01-01T00:00" in refused.body["detail"]) == (400, True)
    for unknown in ("x", str(uuid4())):
        assert (await api.post(f"/api/proposals/{unknown}/accept", {})).code == "not_found"


async def test_an_operators_reply_decides_what_it_was_asked_for(api: Api) -> None:
    """adopt=watchdog_config accepts the proposal in question; adopt=revise asks what to change, and leaves it open."""
    proposal = await proposed(api)
    question = await asked(api, proposal_id=proposal)
    place = f"/api/people-syncs/{question['id']}/answer"
    wrong = await api.post(place, {"answer": "owner=Louis; adopt=wachdog_config"})
    assert (wrong.status, "did you mean 'watchdog_config'" in wrong.body["detail"]) == (400, True)
    revised = (
        await api.post(place, {"answer": "adopt=revise; blocker=no DB access; alert_channel=LINE"})
    ).body
    assert revised["asks"] == ["threshold", "authority", "data", "alert channel", "auto-release"]
    assert revised["people_sync"]["effect"].endswith("blocked by: no DB access")
    following = (await api.get(f"/api/people-syncs/{revised['next_question']}")).body["people_sync"]
    assert (following["person"], following["channel"], following["proposal_id"]) == (
        "Louis",
        "LINE",
        proposal,
    )
    given = datetime.fromisoformat(following["due_at"]) - datetime.fromisoformat(following["asked_at"])
    assert abs(given - timedelta(days=1)) < timedelta(seconds=5), "who is asked again has a time to answer by"
    shown = (await api.get(f"/api/proposals/{proposal}", role="viewer")).body["proposal"]
    assert (shown["adoption_status"], shown["options"]) == ("proposed", RECORD["options"])
    adopted = await api.post(
        "/api/operator-replies",
        {"text": "first_metric=complete_rejected; adopt=watchdog_config; owner=Lin", "proposal_id": proposal},
    )
    assert (adopted.status, adopted.body["reply"]["first_metric"]) == (201, "complete_rejected")
    assert adopted.body["people_sync"]["person"] == "Lin"
    shown = (await api.get(f"/api/proposals/{proposal}")).body["proposal"]
    assert shown["adoption_status"] == "accepted"
    assert (await api.post(f"/api/proposals/{proposal}/accept", {})).code == "conflict"
    assert (await api.post(f"/api/proposals/{proposal}/reject", WHY, role="worker")).status == 403


async def test_projects_of_one_cause_are_merged_by_people_and_parted_again(api: Api) -> None:
    """Evidence that repeats proposes a merge, and does none; accepted it is audited; undone, all is as it was."""
    merges = api.app.watchdog.knowledge.merges
    await trouble_in_several_projects(api)
    assert [(await merges.run_once()).counts["merges_proposed"] for _ in range(2)] == [1, 0]
    whole = await api.token("owner", None)
    system = "?project=system"
    [listed] = (await api.get(f"/api/proposals{system}", token=whole)).body["proposals"]
    place = f"/api/proposals/{listed['id']}"
    subject = (await api.get(f"{place}{system}", token=whole)).body["proposal"]["subject"]
    assert (subject["projects"], subject["evidence"]["p"]["incidents"]) == (["p", "q"], 3)
    assert await pointers(api) == dict.fromkeys("pqrs"), "a proposal merges nothing"
    assert (await api.post(f"{place}/accept", {})).status == 404, "an owner of p sees nothing of system"
    supervisor = await api.token("supervisor", "system")
    assert (await api.post(f"{place}/accept", {}, token=supervisor)).status == 403
    merged = await api.post(f"{place}/accept{system}", {}, token=whole)
    assert merged.body["proposal"]["effect"]["after"] == {"q": "p"}
    assert await pointers(api) == {"p": None, "q": "p", "r": None, "s": None}
    assert await sources_read_together(api, whole) == ["from q", "from p"]
    by_hand = {**RECORD, "kind": "merge_projects", "subject": {"projects": ["p", "s"], "into": "s"}}
    assert (await api.post("/api/proposals", by_hand)).status == 403
    second = (await api.post("/api/proposals", by_hand, token=whole)).body["proposal"]["id"]
    await api.post(f"/api/proposals/{second}/accept{system}", {}, token=whole)
    assert await pointers(api) == {"p": "s", "q": "s", "r": None, "s": None}
    too_early = await api.post(f"{place}/undo{system}", WHY, token=whole)
    assert (too_early.code, "undo that first" in too_early.body["detail"]) == ("conflict", True)
    for proposal, left in ((second, {"p": None, "q": "p"}), (listed["id"], {"p": None, "q": None})):
        undone = await api.post(f"/api/proposals/{proposal}/undo{system}", WHY, token=whole)
        assert undone.body["proposal"]["adoption_status"] == "undone"
        assert await pointers(api) == {**left, "r": None, "s": None}
    assert (await merges.run_once()).counts["merges_proposed"] == 0, "no new evidence since the decision"
    events = await rows(
        api.app.database,
        "SELECT event FROM watchkeeper.audit_events WHERE event LIKE 'proposal%%' ORDER BY seq",
    )
    assert [row["event"].removeprefix("proposal_") for row in events] == [
        *("produced", "accepted", "produced", "accepted", "undone", "undone")
    ]


async def sources_read_together(api: Api, whole: str) -> list[str]:
    """Send a signal to p and to q, and read p's group; p's own owner reads its own alone, and no neighbour's name."""
    for project in "pq":
        sent = {**SIGNAL, "source": f"from {project}"}
        await api.post(f"/api/signals?project={project}", sent, token=whole)
    assert (await api.get("/api/signals?group=true")).status == 403
    assert [row["source"] for row in (await api.get("/api/signals")).body["signals"]] == ["from p"]
    assert "merged_into" not in (await api.get("/api/projects")).body["projects"][0]
    signals = (await api.get("/api/signals?project=p&group=true", token=whole)).body["signals"]
    return [row["source"] for row in signals]


async def trouble_in_several_projects(api: Api) -> None:
    """Give p and q the same trouble three times, r twice, and each of them one of its own."""
    for project in ("q", "r", "s"):
        await api.app.kinds.ensure_project(project)
    for project, times in (("p", 3), ("q", 3), ("r", 2)):
        for cause in [*["server_error"] * times, f"own-{project}"]:
            await rows(api.app.database, OPEN_INCIDENT, {"project": project, "cause": cause})


async def pointers(api: Api) -> dict[str, str | None]:
    found = await rows(
        api.app.database,
        "SELECT project_id, merged_into FROM watchkeeper.projects WHERE project_id <> 'system'",
    )
    return {row["project_id"]: row["merged_into"] for row in found}


async def test_a_signal_becomes_a_job_and_its_chain_is_shown_end_to_end(api: Api) -> None:
    """Each link comes with its evidence, or says why it is not there yet; the same key makes one job."""
    first = await api.post("/api/signals", SIGNAL, role="supervisor", key="signal-1")
    again = await api.post("/api/signals", SIGNAL, role="supervisor", key="signal-1")
    assert (first.status, again.body) == (201, first.body)
    signal = first.body["signal"]
    assert (signal["route"], signal["annotations"]) == (
        {"kind": "signal", "by": "default", "lesson_id": None, "pool": None},
        SIGNAL["annotations"],
    )
    place = f"/api/signals/{signal['id']}"
    assert await links(api, place) == ["done", "not_yet", "not_yet", "not_yet", "not_yet"]
    job = (await api.worker("claim")).job
    assert job["id"] == signal["job_id"]
    assert (job["payload"]["topic_key"], job["payload"]["persona"]) == (SIGNAL["topic_key"], "huber")
    await api.command("fail", job, reason="could not")
    await api.post(f"/api/jobs/{job['id']}/cancel", WHY)
    assert (await links(api, place))[1] == "failed"
    await api.post(f"/api/jobs/{job['id']}/requeue", WHY)
    retry = (await api.worker("claim")).job
    await api.upload(retry, page__html=PAGE)
    assert (await api.command("complete", retry, summary="a console", artifacts=[])).status == 200
    assert await links(api, place) == ["done", "done", "not_yet", "done", "not_yet"]
    told = {"text": "operators use it daily", "evidence_ref": "https://ops.example/usage"}
    for what in ("adoption", "value"):
        assert (await api.post(f"{place}/{what}", told, role="supervisor")).status == 200
    answered = (await api.get(f"{place}/chain", role="viewer")).body
    assert {link["state"] for link in answered["chain"]} == {"done"}
    [_, artifact, adoption, reliability, _] = answered["chain"]
    assert artifact["evidence"][0].startswith("artifact:")
    assert artifact["evidence"][1].startswith("artifact_check:")
    assert (adoption["evidence"], adoption["said"]) == ([told["evidence_ref"]], told["text"])
    assert reliability["said"] == "verified after 2 attempts; 0 incidents, all resolved"


async def links(api: Api, place: str) -> list[str]:
    answered = await api.get(f"{place}/chain", role="viewer")
    return [link["state"] for link in answered.body["chain"]]


async def test_signals_go_where_what_was_learnt_sends_them(api: Api) -> None:
    """The sender's word, then a published lesson's kind or pool, then a kind named as the topic; else 'signal'."""
    topic = SIGNAL["topic_key"]

    async def routed(**more: Any) -> tuple[str, str]:
        route = (await api.post("/api/signals", {**SIGNAL, **more})).body["signal"]["route"]
        return route["kind"], route["by"]

    await api.declare(topic)
    assert await routed() == (topic, "topic")
    await api.worker("claim", "w7", kinds=["page", "audit"])
    worker = {"worker_id": "w8", "kinds": ["repair"], "pool": "guards"}
    assert (await api.post("/api/worker/register", worker, role="worker")).status == 200
    for lesson in ({"route_pool": "guards"}, {"route_kind": "watchdog"}):
        made = await api.post("/api/lessons", {"learned": ["x"], "topic_key": topic, **lesson})
        before = await routed()
        await api.post(f"/api/lessons/{made.body['lesson']['id']}/publish", WHY)
        assert await routed() != before
        assert (await routed())[1] == "lesson"
    assert (await routed())[0] == "watchdog"
    assert await routed(kind="mine") == ("mine", "request")
    assert (await api.post("/api/signals", {**SIGNAL, "annotations": {"a": "x" * 17_000}})).status == 400
    whole = await api.token("owner", None)
    own = await api.post("/api/signals", {**SIGNAL, "topic_key": "Codex 穩定 stability!"}, token=whole)
    assert own.body["project_id"] == "codex-stability"
    assert (await api.post("/api/signals", SIGNAL, role="worker")).status == 403
