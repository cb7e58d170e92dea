"""Every page and every act that the console's tables name: in both languages, for each role, in each state."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Page as Answer
from interfaces.console_visitor import Visitor, form_of, visiting
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.principals import RIGHTS, Role
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.families import ACTS, PAGES
from watchkeeper.interfaces.console.ground import Page
from watchkeeper.interfaces.console.navigation import SECTIONS
from watchkeeper.interfaces.console.visit import address
from watchkeeper.settings import Settings

LANGUAGES = ["en", "zh-TW"]
NOBODY = "019aa5c0-7f3e-7d52-9e1b-000000000000"
PEOPLE: dict[str, tuple[Role, str | None]] = {
    "viewer": (Role.VIEWER, "p"),
    "supervisor": (Role.SUPERVISOR, "p"),
    "owner": (Role.OWNER, "p"),
    "owner of all": (Role.OWNER, None),
}


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


def known(project: ConsoleProject | None) -> dict[str, str]:
    """Give what stands for the names in addresses."""
    job = str(project.jobs["running"]) if project else NOBODY
    return {
        "job": job,
        "kind": "build",
        "worker": "w1",
        "worker_id": "w1",
        "project_id": "p",
        "name": "claims",
    }


def filled(path: str, names: dict[str, str]) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: names.get(found[1], NOBODY), path)


def says_what_it_must(page: Page, answer: Answer, person: str) -> bool:
    """Tell whether a page answers as its right, and the role of who asks, want it."""
    role, project = PEOPLE[person]
    if page.right not in RIGHTS[role] and not page.is_open:
        return answer.status == 403
    allowed = {200, 303}
    if "{" in page.path:
        allowed.add(404)
    if project is not None or page.is_open:
        allowed |= {403, 404}  # what is for those of the whole installation, or needs a link of its own
    return answer.status in allowed


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_there_for_each_role(
    visitor: Visitor, project: ConsoleProject, language: str
) -> None:
    """With data: what a role may see is shown, what it may not is said, and nothing breaks."""
    visitor.speak(language)
    wrong = []
    for person, (role, of) in PEOPLE.items():
        await visitor.log_in(role, of, person)
        for page in PAGES:
            answer = await visitor.get(filled(page.path, known(project)))
            if not says_what_it_must(page, answer, person):
                wrong.append((person, page.path, answer.status, answer.words[:200]))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_has_its_empty_state(visitor: Visitor, language: str) -> None:
    """Before anything was done each page says so; a stranger is asked to log in at each of them."""
    visitor.speak(language)
    for page in PAGES:
        assert page.is_open or (await visitor.get(filled(page.path, {}))).status == 303
    await visitor.log_in(Role.OWNER, None, "lin")
    wrong = []
    for page in PAGES:
        answer = await visitor.get(filled(page.path, {}))
        if not (answer.status in (200, 303) or ("{" in page.path and answer.status == 404) or page.is_open):
            wrong.append((page.path, answer.status, answer.words[:200]))
    assert wrong == []


async def test_every_section_says_that_the_database_is_away(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is a page that says that nothing is lost."""
    await visitor.log_in()

    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr("watchkeeper.storage.database.Database.fetch", away)
    monkeypatch.setattr("watchkeeper.storage.database.Database.fetch_row", away)
    there = {page.path for page in PAGES}
    for section in SECTIONS:
        if section.path in there:
            answer = await visitor.get(section.path)
            assert answer.status == 503, section.path
            assert "Nothing is lost" in answer.words


def target_of(act: Act, project: ConsoleProject) -> dict[str, str]:
    ours = known(project) | {"what": "pause", "state": "pending", "made_before": "2030-01-01T00:00:00+00:00"}
    return {name: ours.get(name, NOBODY) for name in act.target}


async def test_every_act_is_shown_before_and_refused_to_others(
    visitor: Visitor, project: ConsoleProject
) -> None:
    """For each role: plan, reach, what stays, undo and what else happens; or that its role ends here."""
    wrong = []
    for person, (role, of) in PEOPLE.items():
        await visitor.log_in(role, of, person)
        for act in ACTS.values():
            asked = target_of(act, project) | ({} if of else {"project": "p"})
            shown = await visitor.get(address(f"/acts/{act.name}", asked))
            may = act.right in RIGHTS[role]
            expected = (200, 400, 403, 404) if may else (403,)
            if shown.status not in expected:
                wrong.append((person, act.name, shown.status, shown.words[:200]))
            elif shown.status == 200:
                texts = (act.title, act.plan, act.touches, act.stays, act.undo, act.otherwise)
                assert all(" ".join(text.split()) in shown.words for text in texts), act.name
            if not may:
                sent = await visitor.post(f"/acts/{act.name}", **asked, reason="none", key="k")
                assert sent.status == 403, act.name
            foreign = await visitor.post(f"/acts/{act.name}", {"Sec-Fetch-Site": "cross-site"}, **asked)
            assert foreign.status == 409
    assert wrong == []
    assert (await visitor.app.insights.job("p", str(project.jobs["running"])))["state"] == "running"


async def test_a_window_is_opened_and_closed(visitor: Visitor, project: ConsoleProject) -> None:
    """An owner grants acting on a host for a while, sees it, and takes it back."""
    await visitor.log_in(Role.OWNER)
    assert "No maintenance window was opened" in (await visitor.get("/settings/windows")).words
    form = form_of(await visitor.get("/acts/window-open?next=/settings/windows"), "window-open")
    asked = {**form, "hours": "2", "host_id": "host-1", "reason": "new disk"}
    assert (await visitor.post("/acts/window-open", **asked)).status == 303
    page = await visitor.get("/settings/windows")
    assert "new disk" in page.words
    (link,) = (link for link in page.attributes("a", "href") if link.startswith("/acts/window-close"))
    form = form_of(await visitor.get(link), "window-close")
    assert (await visitor.post("/acts/window-close", **form, reason="done")).status == 303
    (row,) = await visitor.app.windows.list("p")
    assert (row["state"], row["closed_by"]) == ("closed", "principal:p/chen")
    too_long = await visitor.post("/acts/window-open", **{**asked, "hours": "100", "key": "other"})
    assert too_long.status == 422
