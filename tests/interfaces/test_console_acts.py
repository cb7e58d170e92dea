"""Acting in the console: shown before, carried out as the API does it, told of after, taken back, lost to others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from interfaces.console_project import ACTOR, ConsoleProject, fill
from interfaces.console_visitor import SAME_ORIGIN, Visitor, form_of, visiting
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.openapi import document
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.families import ACTS
from watchkeeper.settings import Settings

WHY = "the style guide comes first"


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_an_act_is_a_route_of_the_api(act: Act) -> None:
    """Each act asks a route that programs ask, too, and its button is shown to whom that route lets in."""
    route = document()["paths"][act.template][act.method.lower()]
    assert act.right.value in route["x-rights"]
    assert act.reverse is None or act.reverse in ACTS


async def test_an_act_is_shown_done_told_and_taken_back(visitor: Visitor, project: ConsoleProject) -> None:
    """Before: plan, reach and undo. After: who did what, with the audit row; and one press takes it back."""
    job = project.jobs["ready"]
    await visitor.log_in(Role.SUPERVISOR)
    shown = await visitor.get(f"/acts/job-pause?job={job}&next=/jobs/{job}")
    for part in ("What happens", "Touches", "Stays", "Undo", "If you do nothing", "Waiting"):
        assert part in shown.words
    done = await visitor.post("/acts/job-pause", **form_of(shown, "job-pause"), reason=WHY)
    assert (done.status, done.headers["location"]) == (303, f"/jobs/{job}")
    told = await visitor.get(f"/jobs/{job}")
    assert f"Pause the job : {str(job)[-8:]} build" in told.words
    assert WHY in told.words
    assert "Audit row: Job paused" in told.words
    (link,) = (link for link in told.attributes("a", "href") if link.startswith("/audit/"))
    assert WHY in (await visitor.get(link)).words
    assert (await visitor.app.insights.job("p", str(job)))["state"] == "paused"
    await visitor.post("/acts/job-resume", **form_of(told, "job-resume"))
    assert (await visitor.app.insights.job("p", str(job)))["state"] == "pending"
    (row,) = await visitor.app.insights.audit("p", 1)
    assert (row["event"], row["actor"], row["reason"]) == ("job_resumed", "principal:p/chen", "taken back")
    await visitor.get("/forget")
    assert "Audit row" not in (await visitor.get(f"/jobs/{job}")).words


async def test_an_act_that_cannot_be_taken_back_wants_a_reason(
    visitor: Visitor, project: ConsoleProject
) -> None:
    """Without words the page comes back and says so; with them it is done once, however often it is sent."""
    job = project.jobs["ready"]
    await visitor.log_in(Role.SUPERVISOR)
    form = form_of(await visitor.get(f"/acts/job-cancel?job={job}"), "job-cancel")
    asked = await visitor.post("/acts/job-cancel", **form)
    assert asked.status == 422
    assert "Say why" in asked.words
    assert (await visitor.post("/acts/job-cancel", **form, reason=WHY)).status == 303
    again = await visitor.post("/acts/job-cancel", **form, reason=WHY)
    assert again.status == 409
    assert "Nothing was done by you." in again.words


@pytest.mark.parametrize(("language", "said"), [("en", "Somebody was faster"), ("zh-TW", "有人搶先一步")])
async def test_who_comes_second_learns_who_was_faster(
    visitor: Visitor, project: ConsoleProject, language: str, said: str
) -> None:
    """Two people look at the same job: the second is told who did what, when, and how things are now."""
    job = project.jobs["ready"]
    visitor.speak(language)
    await visitor.log_in(Role.SUPERVISOR)
    form = form_of(await visitor.get(f"/acts/job-pause?job={job}"), "job-pause")
    await project.app.operations.move("p", str(job), "cancel", actor=ACTOR, reason="not needed")
    second = await visitor.post("/acts/job-pause", **form, reason=WHY)
    assert second.status == 409
    assert said in second.words
    assert f" {ACTOR.removeprefix('principal:')}" in second.words
    assert "not needed" in second.words


async def test_what_cannot_be_done_is_said_before(visitor: Visitor, project: ConsoleProject) -> None:
    """The page of an act that the job's state does not allow has no button."""
    await visitor.log_in(Role.SUPERVISOR)
    page = await visitor.get(f"/acts/job-pause?job={project.jobs['verified']}")
    assert "This cannot be done now" in page.words
    assert "job-pause" not in page.attributes("form", "action")


async def test_a_viewer_acts_on_nothing(visitor: Visitor, project: ConsoleProject) -> None:
    """Who may only read sees no button; the address and the form are refused by the server."""
    job = project.jobs["ready"]
    await visitor.log_in(Role.VIEWER)
    assert "/acts/" not in (await visitor.get(f"/jobs/{job}")).text
    assert (await visitor.get(f"/acts/job-pause?job={job}")).status == 403
    assert (await visitor.post("/acts/job-pause", job=str(job))).status == 403
    assert (await visitor.app.insights.job("p", str(job)))["state"] == "pending"


async def test_no_other_site_acts(visitor: Visitor, project: ConsoleProject) -> None:
    """A form of another site, and a call of the API by the cookie alone, do nothing."""
    job = project.jobs["ready"]
    await visitor.log_in(Role.SUPERVISOR)
    foreign = await visitor.post("/acts/job-pause", {"Sec-Fetch-Site": "cross-site"}, job=str(job))
    assert foreign.status == 409
    sent = {**SAME_ORIGIN, "Idempotency-Key": "k"}
    by_cookie = await visitor.http.post(f"/api/jobs/{job}/pause", json={"reason": WHY}, headers=sent)
    assert by_cookie.status_code == 401
    assert (await visitor.app.insights.job("p", str(job)))["state"] == "pending"


async def test_an_address_that_nobody_has_is_a_page_for_people(visitor: Visitor) -> None:
    """A browser gets a page with a way back, a program a problem; an unknown act is nothing either."""
    await visitor.log_in()
    page = await visitor.get("/nowhere", Accept="text/html")
    assert page.status == 404
    assert "There is nothing here" in page.words
    assert (await visitor.get("/acts/none")).status == 404
    assert (await visitor.http.get("/nowhere")).headers["content-type"] == "application/problem+json"
    of_api = await visitor.get("/api/nowhere", Accept="text/html")
    assert of_api.headers["content-type"] == "application/problem+json"


async def test_a_reader_chooses_zone_and_colours(visitor: Visitor, project: ConsoleProject) -> None:
    """Times are shown in the zone that was chosen, colours as chosen; what there is not changes nothing."""
    await visitor.log_in()
    await visitor.post("/choices", zone="Asia/Taipei", theme="dark", language="zh_Hant", next="/more")
    page = await visitor.get(f"/jobs/{project.jobs['ready']}")
    assert 'data-theme="dark"' in page.text
    assert all(title.endswith("+08:00 Asia/Taipei") for title in page.attributes("time", "title"))
    assert "工作" in page.words
    await visitor.post("/choices", zone="Mars/Phobos", theme="pink", language="xx")
    assert 'data-theme="dark"' in (await visitor.get("/more")).text
