"""The pages of a bad night: what needs a person, queues, incidents, repairs, workers, proposals, lessons."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Page, Visitor, visiting
from interfaces.test_console_acts import form_of
from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import change, opened
from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.domain.proposals import ProposalDraft
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.interfaces.console import trouble
from watchkeeper.services.repairs.desk import Wish
from watchkeeper.settings import Settings

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
RIGHT_TO_LEFT = "\u202egpj.exe"
LANGUAGES = ["en", "zh-TW"]


@dataclass
class Night:
    """A project in trouble, and the ids of what stands in it."""

    project: ConsoleProject
    incident: UUID
    symptom: UUID
    over: UUID
    repair: UUID
    proposal: UUID
    lesson: UUID

    @property
    def paths(self) -> list[str]:
        return [
            "/",
            "/?all=1",
            "/queues",
            "/queues?kind=build",
            "/incidents",
            "/incidents?state=all&severity=high",
            f"/incidents/{self.incident}",
            f"/incidents/{self.over}",
            "/repairs",
            "/repairs?state=proposed",
            f"/repairs/{self.repair}",
            "/workers",
            "/workers?gone=1",
            "/workers/w1",
            "/proposals",
            f"/proposals/{self.proposal}",
            "/lessons",
            f"/lessons/{self.lesson}",
        ]


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def night(app: App, settings: Settings) -> Night:
    """Incidents in every state, a repair that waits, a proposal and a lesson, written by hostile hands."""
    project = await fill(app, str(settings.database_url))
    said = {"line": HOSTILE, "name": RIGHT_TO_LEFT, "much": "word " * 2000}
    incident = await opened(app.database, "missing_worker_kind", state="escalated", cause=HOSTILE)
    await change(
        app.database, incident, "kind = 'archive.old', due_at = watchkeeper.now() - interval '1 min'"
    )
    await rows(
        app.database,
        "UPDATE watchkeeper.watchdog_incidents SET evidence = %(said)s::text::jsonb, worker_id = 'w1'"
        " WHERE id = %(id)s",
        {"said": json.dumps(said), "id": incident},
    )
    symptom = await opened(app.database, "queue_stuck", cause_id=incident)
    over = await opened(app.database, "secret_exposed", state="needs_human")
    await app.watchdog.incidents.resolve("p", over, actor="principal:lin", reason="rotated")
    await opened(app.database, "fetch_failed", job_id=project.jobs["running"])
    shop = Shop(app)
    asker = await shop.person("wu")
    wish = Wish(RepairAction.RELEASE, HOSTILE, job=str(project.jobs["running"]), incident=incident)
    repair = await app.watchdog.repairs.ask("p", wish, asker)
    draft = ProposalDraft(
        "p",
        "k",
        f"Start a worker. {HOSTILE}",
        HOSTILE,
        RIGHT_TO_LEFT,
        "r",
        ("a", HOSTILE),
        incident_id=incident,
    )
    proposal = await app.watchdog.knowledge.proposals.make(draft, actor="worker:w1")
    lesson = await app.watchdog.knowledge.lessons.learn(
        "p", {"learned": [HOSTILE], "topic_key": "stability"}, actor="worker:w1"
    )
    return Night(project, incident, symptom, over, UUID(str(repair["id"])), proposal.id, lesson.id)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_shows_a_bad_night_as_text(visitor: Visitor, night: Night, language: str) -> None:
    """Markup, signs that turn a text around and endless words of others stay text on every page, in both languages."""
    visitor.speak(language)
    await visitor.log_in()
    for path in night.paths:
        page = await visitor.get(path)
        assert page.status == 200, path
        assert "<script>" not in page.text, path
        assert "<img" not in page.text, path
        assert "\u202e" not in page.text, path
        fragment = await visitor.get(path + ("&" if "?" in path else "?") + "fragment=1")
        assert fragment.status == 200
        assert "<form" not in fragment.text, path


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_of_an_empty_project_says_so(visitor: Visitor, language: str) -> None:
    """Nothing there yet, and nothing that matches, are two texts."""
    visitor.speak(language)
    await visitor.log_in()
    empty: dict[str, Page] = {}
    lists = {"incidents": "state", "repairs": "state", "proposals": "status", "lessons": "state"}
    for name, column in lists.items():
        none_yet = await visitor.get(f"/{name}")
        none_match = await visitor.get(
            f"/{name}?{column}=" + ("retired" if name == "lessons" else "rejected")
        )
        if name == "incidents":
            none_match = await visitor.get("/incidents?rule=tool_loop")
        assert (none_yet.status, none_match.status) == (200, 200)
        assert none_yet.words != none_match.words
        empty[name] = none_yet
    assert ("No incident is open." in empty["incidents"].words) == (language == "en")
    for path in ("/queues", "/workers"):
        assert (await visitor.get(path)).status == 200
    for path in ("/incidents/x", "/repairs/x", "/workers/x", "/proposals/x", "/lessons/x"):
        assert (await visitor.get(path)).status == 404
    for path in ("/incidents?state=x", "/repairs?state=x", "/proposals?status=x", "/incidents?before=x"):
        assert (await visitor.get(path)).status == 400


async def test_the_first_page_answers_in_one_look(visitor: Visitor, night: Night, clock: MovingClock) -> None:
    """Approvals come first, the count stands in title and icon, and counter and list are the same."""
    await visitor.log_in()
    page = await visitor.get("/")
    found = await visitor.app.overview.needs.of(["p"])
    assert f"<title>({len(found.now)}) Overview" in page.text
    (icon,) = [given["href"] for tag, given in page.tags if tag == "link" and given.get("rel") == "icon"]
    assert str(icon).endswith(f"&n={len(found.now)}")
    drawn = await visitor.http.get(str(icon))
    assert f">{len(found.now)}</text>" in drawn.text
    assert f"{len(found.now)} things need you" in page.words
    links = [link for link in page.attributes("a", "href") if link.startswith(("/repairs/", "/incidents/"))]
    assert links[0] == f"/repairs/{night.repair}"
    assert "Is work advancing" in page.words
    assert "The watch has not counted lately" in page.words
    assert "no worker takes this kind" in page.words
    clock.advance(60)
    for _ in range(30):
        await visitor.app.overview.counts.count()
    assert "Jobs end well at the day's own pace" in (await visitor.get("/")).words


async def test_a_muted_incident_stands_below_the_fold(visitor: Visitor, night: Night) -> None:
    """What was called right is not counted, and never gone."""
    await visitor.log_in(Role.SUPERVISOR)
    await visitor.app.watchdog.repairs.reject(
        "p", night.repair, await Shop(visitor.app).person("kim"), "not this way"
    )
    before = len((await visitor.app.overview.needs.of(["p"])).now)
    shown = await visitor.get(f"/acts/incident-quiet?incident_id={night.incident}&next=/")
    done = await visitor.post(
        "/acts/incident-quiet",
        **{**form_of(shown, "incident-quiet"), "seconds": "2", "reason": "they moved house"},
    )
    assert (done.status, done.headers["location"]) == (303, "/")
    page = await visitor.get("/")
    assert len((await visitor.app.overview.needs.of(["p"])).now) == before - 1
    assert "called right for now" in page.words
    assert "Undo" in page.words
    incident = await visitor.get(f"/incidents/{night.incident}")
    assert "A person called this silence right for now." in incident.words
    assert "they moved house" in incident.words
    assert "End the silence" in incident.words


async def test_a_repair_is_approved_with_its_plan_in_sight_and_undone(visitor: Visitor, night: Night) -> None:
    """The page shows plan, reach, undo and digest; approving does it once, and the second approver hears of it."""
    path = f"/repairs/{night.repair}"
    await visitor.log_in()
    assert "Approve and carry out" not in (await visitor.get(path)).words
    await visitor.log_in(Role.SUPERVISOR, name="lin")
    page = await visitor.get(path)
    for part in ("Steps", "Touches", "Does not touch", "If it was wrong", "If you do nothing", "Digest"):
        assert part in page.words
    (address,) = [link for link in page.attributes("a", "href") if link.startswith("/acts/repair-approve")]
    shown = await visitor.get(address)
    assert "end the lease of w1" in shown.words
    form = form_of(shown, "repair-approve")
    assert (await visitor.post("/acts/repair-approve", **form)).status == 422
    done = await visitor.post("/acts/repair-approve", **form, reason="it hangs")
    assert done.status == 303
    after = await visitor.get(path)
    assert "Succeeded" in after.words
    assert "Undo the repair" in after.words
    late = await visitor.post("/acts/repair-approve", **{**form, "key": "another"}, reason="me too")
    assert "Somebody was faster" in late.words
    undo = await visitor.get(f"/acts/repair-undo?repair_id={night.repair}&next={path}")
    done = await visitor.post(
        "/acts/repair-undo", **{**form_of(undo, "repair-undo"), "reason": "it was fine"}
    )
    assert done.status == 303
    assert "Undone" in (await visitor.get(path)).words


async def test_decisions_are_taken_on_their_pages(visitor: Visitor, night: Night) -> None:
    """A proposal is rejected with feedback, a lesson handed out and taken back, a worker's stop asked for."""
    await visitor.log_in(Role.SUPERVISOR, name="lin")
    shown = await visitor.get(f"/acts/proposal-reject?proposal_id={night.proposal}")
    await visitor.post(
        "/acts/proposal-reject", **{**form_of(shown, "proposal-reject"), "reason": "we have one already"}
    )
    assert "we have one already" in (await visitor.get(f"/proposals/{night.proposal}")).words
    page = await visitor.get(f"/lessons/{night.lesson}")
    done = await visitor.post("/acts/lesson-publish", **form_of(page, "lesson-publish"))
    assert done.status == 303
    assert "Handed out by" in (await visitor.get(f"/lessons/{night.lesson}")).words
    shown = await visitor.get("/acts/worker-stop?worker=w1")
    await visitor.post("/acts/worker-stop", **{**form_of(shown, "worker-stop"), "reason": "it lies"})
    assert "Stop the worker" in (await visitor.get("/repairs")).words


async def test_an_incident_is_taken_in_hand(visitor: Visitor, night: Night) -> None:
    """An acknowledgement has an owner, a note and an end; its story tells of it; evidence alone closes it."""
    await visitor.log_in(Role.SUPERVISOR, name="lin")
    page = await visitor.get(f"/incidents/{night.incident}")
    assert "What it explains: 1" in page.words
    shown = await visitor.get(f"/acts/incident-ack?incident_id={night.incident}")
    await visitor.post(
        "/acts/incident-ack", **{**form_of(shown, "incident-ack"), "seconds": "1", "reason": "on it"}
    )
    after = await visitor.get(f"/incidents/{night.incident}")
    assert "In hand" in after.words
    assert "on it" in after.words
    assert "Somebody has it in hand." in after.words


async def test_the_whole_sees_what_is_of_no_project(visitor: Visitor, app: App) -> None:
    """An incident of the installation is shown to who has the whole, and to nobody else."""
    incident = await opened(app.database, "watchdog_blind", state="escalated", project_id="system")
    await visitor.log_in()
    assert str(incident) not in (await visitor.get("/")).text
    assert (await visitor.get(f"/incidents/{incident}?project=system")).status == 404
    await visitor.log_in(Role.OWNER, None, "lin")
    assert f"/incidents/{incident}?project=system" in (await visitor.get("/")).attributes("a", "href")
    assert (await visitor.get(f"/incidents/{incident}?project=system")).status == 200
    assert str(incident) in (await visitor.get("/incidents?project=system")).text


def test_every_rule_and_action_has_words() -> None:
    """No reader meets a bare code where the list is known."""
    assert set(trouble.RULES) == set(trouble.CLOSES) == {rule.value for rule in RuleName}
    assert set(trouble.ACTIONS) - {"reap"} == set(trouble.STAYS) == {action.value for action in RepairAction}
