"""The memory over HTTP: documents in and out, published by people, handed to workers, held to what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interfaces.api_client import PAGE, Api
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.domain.lesson_templates import LESSON_TEMPLATES
from watchkeeper.domain.rules.names import RuleName

EXAMPLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "examples" / "lessons").glob("*.json"))
}
WHY = {"reason": "proven"}

INCIDENT = """
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, cause_id, state,
                                            resolved_at)
VALUES ('p', %(rule)s, gen_random_uuid()::text, 'high', %(job)s, %(cause)s,
        CASE WHEN %(is_open)s THEN 'open' ELSE 'resolved' END, CASE WHEN NOT %(is_open)s THEN watchkeeper.now() END)
"""


async def imported(api: Api, document: Any, role: str = "worker") -> str:
    return str((await api.post("/api/lessons", document, role=role)).body["lesson"]["id"])


async def published(api: Api, **document: Any) -> str:
    lesson = await imported(api, document)
    assert (await api.post(f"/api/lessons/{lesson}/publish", WHY, role="supervisor")).status == 200
    return lesson


async def incident(
    api: Api, rule: RuleName, job: str | None = None, cause: str | None = None, *, is_open: bool = False
) -> None:
    facts = {"rule": rule, "job": job, "cause": cause, "is_open": is_open}
    await rows(api.app.database, INCIDENT, facts)


async def handed(api: Api, job: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await api.command("context", job)).body["lessons"])


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_known_documents_go_in_and_come_out_as_they_are(api: Api, example: str) -> None:
    """Each is a proposed lesson of its own columns, exports to the letter, and is kept once however often it comes."""
    document = EXAMPLES[example]
    lesson = await imported(api, document)
    shown = (await api.get(f"/api/lessons/{lesson}", role="viewer")).body["lesson"]
    assert shown["document"] == document
    assert shown["learned"] == document.get("learned", document.get("learning"))
    for name in ("next_worker_should_check", "assumptions_to_test", "next_round"):
        assert shown[name] == document.get(name, [])
    for name in ("job_id", "topic_key", "ai_native_project_id", "upgrade_trigger"):
        assert shown[name] == document.get(name)
    assert (shown["state"], shown["author"]) == ("proposed", "principal:p/worker-p-None")
    again = await api.post("/api/lessons", document, role="supervisor")
    assert again.body["lesson"] == {"id": lesson, "existing": True}


async def test_what_is_no_lesson_is_refused_in_words(api: Api) -> None:
    """A wrong key is named with the one that was meant; secrets go, and what is too long is not half kept."""
    for document, told in (
        ({"lerned": ["x"]}, "did you mean 'learned'"),
        ({"learned": ["x"], "learning": ["y"]}, "are the same"),
        ({"topic_key": "t"}, "says nothing"),
        ({"learned": "x"}, "a list of texts"),
        ({"learned": ["x" * 2001]}, "2,000 characters"),
        ({"learned": ["x"] * 51}, "at most 50"),
        ({"learned": ["x"], "rule": "lease_expierd"}, "did you mean 'lease_expired'"),
        ({"learned": ["x"], "kind": "a kind"}, "kind"),
        ({"learned": ["x"], "job_id": 7}, "is a text"),
    ):
        answered = await api.post("/api/lessons", document)
        assert (answered.status, answered.code) == (400, "usage")
        assert told in answered.body["detail"], document
    lesson = await imported(api, {"learned": ["the token is ghp_" + "a" * 36]})
    assert "ghp_" not in str((await api.get(f"/api/lessons/{lesson}")).body)


async def test_only_what_a_person_published_is_handed_out(api: Api) -> None:
    """Topic and kind decide, the closest first; few and short, marked as data; asked again, the same is handed out."""
    await imported(api, {"learned": ["an agent's own word"]})
    general = await published(api, learned=["for everybody"])
    of_kind = await published(api, learned=["for reports"], kind="report")
    of_topic = await published(api, learned=["for the topic"], topic_key="stability", kind="report")
    await published(api, learned=["for another kind"], kind="other")
    await published(api, learned=["for another topic"], topic_key="elsewhere")
    long = await published(api, learned=["x" * 2000] * 4, next_round=["short"], kind="long")
    job = await api.claimed(payload={"topic_key": "stability"})
    lessons = await handed(api, job)
    assert [lesson["id"] for lesson in lessons] == [of_topic, of_kind, general]
    assert {lesson["treat_as"] for lesson in lessons} == {"data"}
    assert await handed(api, job) == lessons
    uses = await rows(api.app.database, "SELECT lesson_id::text AS id, epoch FROM watchkeeper.lesson_uses")
    assert {use["id"] for use in uses} == {of_topic, of_kind, general}
    [cut, _] = await handed(api, await api.claimed("long", "w2"))
    assert (cut["id"], cut["cut"], len(cut["learned"])) == (long, True, 1)
    retired = await api.post(f"/api/lessons/{of_topic}/retire", {"reason": "wrong"}, role="supervisor")
    assert retired.body["lesson"]["state"] == "retired"
    assert of_topic not in [lesson["id"] for lesson in await handed(api, job)]
    for verb, code in (("retire", "conflict"), ("publish", None), ("publish", "conflict")):
        answered = await api.post(f"/api/lessons/{of_topic}/{verb}", WHY)
        assert (answered.code if code else answered.status) == (code or 200), verb
    assert (await api.post(f"/api/lessons/{general}/publish", WHY, role="worker")).status == 403
    listed = (await api.get("/api/lessons?state=published&topic=stability", role="viewer")).body
    assert [lesson["id"] for lesson in listed["lessons"]] == [of_topic]


async def test_an_incident_that_closes_teaches_the_next_worker(api: Api) -> None:
    """Its rule's sentence is published for that kind of job, once; symptoms, and rules without one, teach nothing."""
    job = await api.enqueue()
    for _ in range(2):
        await incident(api, RuleName.FETCH_FAILED, job)
    await incident(api, RuleName.ARTIFACT_MISSING, job, cause=job)
    await incident(api, RuleName.WATCHDOG_BLIND)
    ran = await api.app.watchdog.knowledge.learning.run_once()
    assert ran.counts["lessons_written"] == 1
    assert (await api.app.watchdog.knowledge.learning.run_once()).counts["lessons_written"] == 0
    [lesson] = await handed(api, (await api.worker("claim")).job)
    sentence, check = LESSON_TEMPLATES[RuleName.FETCH_FAILED]
    assert (lesson["learned"], lesson["next_worker_should_check"]) == ([sentence], [check])
    assert (lesson["kind"], lesson["author"]) == ("report", "rule:fetch_failed")


async def test_outcomes_confirm_and_refute_what_was_handed_out(api: Api, clock: MovingClock) -> None:
    """Verified work confirms; an end with trouble of the lesson's own rule refutes; other ends say nothing of it."""
    lesson = await published(api, learned=["retry"], rule="fetch_failed")
    await api.declare(max_attempts=50)
    other = await api.claimed(worker="w0")
    await handed(api, other)
    await incident(api, RuleName.ARTIFACT_MISSING, other["id"], is_open=True)
    await api.command("fail", other, reason="no page")
    good = await api.claimed(worker="w1", contract={})
    await handed(api, good)
    await api.upload(good, page__html=PAGE)
    assert (await api.command("complete", good, summary="s", artifacts=[])).status == 200
    for number in range(4):
        job = await api.claimed("other", worker=f"w{number + 2}")
        if number < 3:
            assert [row["id"] for row in await handed(api, job)] == [lesson]
        else:
            assert await handed(api, job) == [], "refuted three times, and oftener than confirmed"
        await incident(api, RuleName.FETCH_FAILED, job["id"], is_open=True)
        await api.command("fail", job, reason="fetch failed")
        if number == 0:
            ran = await api.app.watchdog.knowledge.learning.run_once()
            assert (ran.counts["lessons_confirmed"], ran.counts["lessons_refuted"]) == (1, 0), "too early"
        clock.advance(61)
        await api.app.watchdog.knowledge.learning.run_once()
    shown = (await api.get(f"/api/lessons/{lesson}")).body["lesson"]
    assert (shown["confirmed"], shown["refuted"], shown["handed"]) == (1, 3, 5)
