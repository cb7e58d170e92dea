"""The console's pages, in every state and both languages, over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from interfaces.console_project import ACTOR, ConsoleProject, fill
from interfaces.console_visitor import Visitor, visiting
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings

LANGUAGES = ["en", "zh-TW"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

LISTED = {
    "": 11,
    "pending": 3,
    "running": 2,
    "completed": 2,
    "failed": 1,
    "stuck": 1,
    "paused": 1,
    "cancelled": 1,
}
"""How many jobs of the project the list shows for each state."""

STATES = [
    ("verified", "Its artifacts passed the evidence gate.", "產出已通過證據關卡。"),
    ("unverified", "no evidence was asked for, and none was checked", "未要求證據，也未檢查任何證據"),
    ("failed", "All attempts are used up.", "嘗試次數已用盡。"),
    ("cancelled", "not needed any more", "not needed any more"),
    ("stuck", "The artifact is empty.", "產出是空的。"),
    ("paused", "wait for the new style guide", "由人員決定。"),
    ("expired", "the watchdog gives the job back", "看門狗會將工作放回佇列"),
    ("running", "12 of 40 pages drawn", "12 of 40 pages drawn"),
    ("waiting", "no worker takes this kind", "沒有 Worker 接受此類型"),
    ("scheduled", "It is due", "預定於"),
    ("ready", "A worker may take it at any moment.", "隨時可由 Worker 領取。"),
]
"""Each job of the project, with a part of what its page says in either language."""


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_overview_of_an_empty_project_says_what_to_do_next(visitor: Visitor, language: str) -> None:
    """Nothing there yet is a state with words, and silence is only proven by a watchdog that looks."""
    visitor.speak(language)
    await visitor.log_in()
    page = await visitor.get("/")
    assert page.status == 200
    assert ("nobody watches" if language == "en" else "看門狗並未運作") in page.words
    assert "watchkeeper work --agent command" in (await visitor.get("/workers")).words


async def test_nothing_needs_you_names_when_the_watchdog_looked(visitor: Visitor, app: App) -> None:
    """A clean overview is green only while a watchdog ticks, and says when it last did."""
    await visitor.log_in()
    await app.maintenance.keep_time()
    page = await visitor.get("/")
    assert "Nothing needs you" in page.words
    assert "The watchdog last looked" in page.words


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_overview_leads_with_what_needs_a_person(
    visitor: Visitor, project: ConsoleProject, language: str
) -> None:
    """Dead leases, stuck and failed jobs are counted, linked and explained; what a person paused stands below."""
    visitor.speak(language)
    await visitor.log_in()
    page = await visitor.get("/")
    assert ("3 things need you" if language == "en" else "3 件事需要您處理") in page.words
    links = page.attributes("a", "href")
    for state in ("expired", "stuck", "failed", "paused"):
        assert f"/jobs/{project.jobs[state]}" in links
    assert ("no worker takes this kind" if language == "en" else "沒有 Worker 接受此類型") in page.words
    assert "wait for the new style guide" in page.words
    assert ("In hand, or called right: 1" in page.words) == (language == "en")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_job_says_its_state_and_why(visitor: Visitor, project: ConsoleProject, language: str) -> None:
    """Each state has a page that names the reason in the reader's language."""
    visitor.speak(language)
    await visitor.log_in()
    assert {state for state, _, _ in STATES} == set(project.jobs)
    for state, english, chinese in STATES:
        page = await visitor.get(f"/jobs/{project.jobs[state]}")
        assert page.status == 200
        assert (english if language == "en" else chinese) in page.words, state


async def test_only_checked_evidence_is_green(visitor: Visitor, project: ConsoleProject) -> None:
    """A completion without evidence has a word, a shape and a colour of its own."""
    await visitor.log_in()
    unverified = await visitor.get(f"/jobs/{project.jobs['unverified']}")
    assert "Done, unverified" in unverified.words
    assert "verdict unverified" in unverified.attributes("section", "class")
    assert not {"verdict ok", "badge ok"} & {
        *unverified.attributes("section", "class"),
        *unverified.attributes("span", "class"),
    }
    verified = await visitor.get(f"/jobs/{project.jobs['verified']}")
    assert "verdict ok" in verified.attributes("section", "class")


async def test_artifacts_open_apart_from_the_console(visitor: Visitor, project: ConsoleProject) -> None:
    """An artifact is a link to where the API serves it sandboxed, and cannot reach back to the page."""
    await visitor.log_in()
    page = await visitor.get(f"/jobs/{project.jobs['verified']}")
    (link,) = [given for tag, given in page.tags if tag == "a" and "/api/artifacts/" in (given["href"] or "")]
    assert link["rel"] == "noopener noreferrer"
    answer = await visitor.http.get(str(link["href"]))
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_jobs_are_listed_by_state(visitor: Visitor, project: ConsoleProject, language: str) -> None:
    """The filter is in the address, works without a script, and shows the jobs of that state."""
    visitor.speak(language)
    await visitor.log_in()
    for state, expected in LISTED.items():
        page = await visitor.get(f"/jobs?state={state}&kind=")
        assert page.status == 200
        listed = [link for link in page.attributes("a", "href") if link.startswith("/jobs/")]
        assert len(listed) == expected, state


async def test_a_list_without_matches_offers_to_clear_the_filter(visitor: Visitor) -> None:
    """None yet and none that match are two texts."""
    await visitor.log_in()
    assert "There is no job yet" in (await visitor.get("/jobs")).words
    page = await visitor.get("/jobs?state=stuck")
    assert "No job matches these filters." in page.words
    assert "Clear filters" in page.words


async def test_older_jobs_follow_by_cursor(visitor: Visitor, project: ConsoleProject) -> None:
    """A page links to the next by a cursor in the address until there are no more."""
    for _ in range(60):
        await project.add("more", "build")
    await visitor.log_in()
    path, seen = "/jobs?kind=build", set()
    for _ in range(10):
        page = await visitor.get(path)
        seen |= {link for link in page.attributes("a", "href") if link.startswith("/jobs/")}
        following = [
            str(given["href"]) for tag, given in page.tags if tag == "a" and given.get("rel") == "next"
        ]
        if not following:
            break
        path = following[0]
    assert len(seen) == 64
    oldest = min(link.split("/")[2] for link in seen)
    assert "There are no older jobs." in (await visitor.get(f"/jobs?kind=build&before={oldest}")).words


async def test_an_address_that_cannot_be_read_is_explained(visitor: Visitor) -> None:
    """A mistyped filter is an error page with a way back."""
    await visitor.log_in()
    for query in ("state=done", "before=x", "before=1", "before=00000000-0000-7000-8000-000000000000"):
        page = await visitor.get(f"/jobs?{query}")
        assert page.status == 400
        assert "This address cannot be read" in page.words


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_others_wrote_is_shown_as_text(
    visitor: Visitor, project: ConsoleProject, language: str
) -> None:
    """Markup in summaries, worker names, reasons and payloads is never markup on a page."""
    visitor.speak(language)
    await project.worker(HOSTILE, None)
    made = await project.add("hostile", "notes", payload={HOSTILE: HOSTILE}, external_id=HOSTILE)
    await project.app.operations.move("p", str(made), "pause", actor=HOSTILE, reason=HOSTILE)
    await project.add("hostile-done", "hostile.kind")
    await project.complete(HOSTILE, "hostile.kind", "none", HOSTILE)
    project.execute("UPDATE watchkeeper.projects SET title = %s", HOSTILE)
    await visitor.log_in(name=HOSTILE.replace("/", ""))
    for path in ("/", "/jobs", f"/jobs/{made}", f"/jobs/{project.jobs['hostile-done']}"):
        page = await visitor.get(path)
        assert page.status == 200
        assert "alert(1)" in page.words
        assert "<img" not in page.text
        assert "<script>" not in page.text


async def test_a_secret_in_a_payload_is_not_shown(visitor: Visitor, project: ConsoleProject) -> None:
    """What looks like a secret is taken out before it is shown, and the page says so."""
    secret = "ghp_" + "a1B2" * 9
    made = await project.add("secret", "notes", payload={"token": secret})
    await visitor.log_in()
    page = await visitor.get(f"/jobs/{made}")
    assert secret not in page.text
    assert "seemed to hold a secret" in page.words


async def test_other_projects_do_not_exist_for_a_viewer(
    visitor: Visitor, app: App, settings: Settings
) -> None:
    """A viewer of one project sees no trace of another: not its jobs, not its name."""
    other = await fill(app, str(settings.database_url), "other")
    await visitor.log_in(project="p")
    assert (await visitor.get(f"/jobs/{other.jobs['stuck']}")).status == 404
    assert (await visitor.get(f"/jobs/{other.jobs['stuck']}?project=other")).status == 404
    assert (await visitor.get("/?project=other")).status == 404
    assert (await visitor.get("/jobs?project=other")).status == 404
    assert "other" not in (await visitor.get("/")).words


async def test_an_owner_of_the_whole_sees_every_project(
    visitor: Visitor, project: ConsoleProject, settings: Settings
) -> None:
    """With several projects each line names its own, and one can be looked at alone."""
    other = await fill(project.app, str(settings.database_url), "other")
    await visitor.log_in(Role.OWNER, None, "lin")
    whole = await visitor.get("/")
    assert "6 things need you" in whole.words
    assert f"/jobs/{other.jobs['stuck']}?project=other" in whole.attributes("a", "href")
    assert "3 things need you" in (await visitor.get("/?project=other")).words
    assert (await visitor.get(f"/jobs/{other.jobs['stuck']}")).status == 200
    assert (await visitor.get("/?project=none")).status == 404


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_restored_database_says_that_it_stands_still(
    visitor: Visitor, project: ConsoleProject, language: str
) -> None:
    """After `db restore` the first page says it until the resume; how much waits is told to who has the whole."""
    database = visitor.app.database
    restored = {"taken_at": datetime(2026, 1, 2, tzinfo=UTC), "product": "1", "timeline": 2, "jump": 1}
    await database.fetch("stand_still", {**restored, "actor": ACTOR, "reason": "restored", "data": "{}"})
    await rows(database, "UPDATE watchkeeper.held_jobs SET state_reason = 'restored' WHERE state = 'paused'")
    visitor.speak(language)
    await visitor.log_in()
    page = await visitor.get("/")
    assert "standstill" in page.attributes("section", "data-region")
    assert ("Nothing moves" in page.words) == (language == "en")
    assert "watchkeeper db resume" in page.words
    counted = "Paused jobs that ran at that time: 1."
    assert counted not in page.words
    await visitor.log_in(project=None, name="wu")
    assert (counted in (await visitor.get("/")).words) == (language == "en")
    await visitor.app.standstill.resume(actor=ACTOR, reason="looked around")
    assert "standstill" not in (await visitor.get("/")).attributes("section", "data-region")


async def test_a_paused_project_says_so(visitor: Visitor, project: ConsoleProject) -> None:
    """Whoever looks for why nothing moves finds the pause with its reason."""
    await project.app.kinds.set_project_paused("p", paused=True, actor=ACTOR, reason="budget talks")
    await visitor.log_in()
    page = await visitor.get("/")
    assert "budget talks" in page.words
    assert "paused by a person" in page.words


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_a_database_the_page_says_that_nothing_is_lost(
    visitor: Visitor, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is a page in the reader's language, not a traceback."""
    visitor.speak(language)
    await visitor.log_in()

    async def away(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr("watchkeeper.services.insights.Insights.projects", away)
    for path in ("/", "/jobs", "/jobs/x"):
        page = await visitor.get(path)
        assert page.status == 503
        assert ("Nothing is lost" if language == "en" else "資料沒有遺失") in page.words
