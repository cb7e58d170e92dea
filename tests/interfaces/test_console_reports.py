"""The pages of reports, signals, the trail, and what is kept and shown to others; over a real database."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from any_rows import add_row
from interfaces.console_project import ACTOR, ConsoleProject, fill
from interfaces.console_visitor import Page, Visitor, visiting
from interfaces.test_console_acts import form_of
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Share
from watchkeeper.domain.outlook import d30, levels
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Role
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.signals import Signal
from watchkeeper.domain.stage_proofs import GOLDEN, REQUIRED_PHASES
from watchkeeper.domain.stages import ITEMS, report
from watchkeeper.interfaces.console.evidence_words import in_words
from watchkeeper.interfaces.console.i18n import load
from watchkeeper.interfaces.console.report_words import LEVELS, PROOFS, REPORTS
from watchkeeper.services.report_tables import TABLES
from watchkeeper.settings import Settings

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
NAMES = [report.name for report in REPORTS]
LANGUAGES = ["en", "zh-TW"]


@dataclass
class Told:
    """A project of which there is something to report, and one of its signals."""

    project: ConsoleProject
    signal: UUID


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def told(app: App, settings: Settings) -> Told:
    """The project `p` with jobs in every state, ends of attempts that are counted, and a signal with odd words."""
    url = str(settings.database_url)
    project = await fill(app, url)
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(8):
            add_row(connection, "job_specs", project_id="p", seq=900 + number, id=uuid4(), kind="build")
            place = {"project_id": "p", "seq": 900 + number, "epoch": 1, "worker_id": "w1"}
            outcome = "failed" if number > 5 else "completed"
            add_row(connection, "closed_attempts", **place, outcome=outcome, cause=None)
        add_row(connection, "watchdog_incidents", project_id="p", rule="lease_expired", severity="high")
    counting = app.watchdog.reporting.slo_counting
    while (await counting.run_once()).next_in is not None:
        pass
    signal = Signal("chat", "stability", HOSTILE, related_people=("Lin",))
    kept = await app.watchdog.knowledge.signals.receive("p", signal, actor=ACTOR)
    return Told(project, kept["id"])


def test_every_sentence_of_the_stages_and_levels_has_words() -> None:
    """An item whose proof nobody translated, and a report without a table, are found here."""
    assert {item.proof for item in ITEMS} == {*PROOFS}
    assert set(LEVELS) == {1, 2, 3, 4, 5}
    assert {report.name for report in REPORTS if report.is_data} == {*TABLES}


def test_every_verdict_is_said_in_the_readers_language() -> None:
    """What an item, a level or day 30 rests on has no English left in Chinese, but names of commands and drills."""
    said = load("zh_Hant").translations.gettext
    shares = {
        one.name: Share(4, 9)
        for one in fields(ProjectFacts)
        if one.type == "Share" and one.name not in ("false_completes", "slos")
    }
    now = datetime(2026, 11, 21, tzinfo=UTC)
    started = now - timedelta(days=40)
    much = ProjectFacts(started, now, ticks=True, runbooks=2, seals=1, undoable=1, slos=Share(1, 2), **shares)
    seen = dict.fromkeys((rule.value for rule in RuleName), 3)
    full = replace(much, incidents=seen, real=seen, phases=dict.fromkeys(REQUIRED_PHASES, 2), helper_events=1)
    few = replace(
        full, real={"fetch_failed": 1}, started_at=now, golden=dict.fromkeys(GOLDEN, True), adopted=1
    )
    for facts in (
        ProjectFacts(now, now),
        much,
        full,
        few,
        replace(full, repairs={"retouch": 5}, golden={"x": True}),
    ):
        sentences = [found.judged.because for found in report(facts)]
        sentences += [level.judged.because for level in levels(facts)] + [*d30(facts).reasons]
        for sentence in sentences:
            words = re.findall(r"[A-Za-z_]{2,}", in_words(sentence, said))
            known = {*REQUIRED_PHASES, *GOLDEN, "Worker", "SLO", "touch", "helper"}
            assert set(words) <= known, sentence


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_report_has_a_page(visitor: Visitor, told: Told, language: str) -> None:
    """Each shows its table with its age, its way to CSV, JSON and paper; what others wrote is text."""
    visitor.speak(language)
    await visitor.log_in()
    for name in ["", *NAMES, f"signals/{told.signal}"]:
        page = await visitor.get(f"/reports/{name}".rstrip("/"))
        assert page.status == 200, name
        if name in TABLES:
            assert f"/api/reports/{name}?project=p" in page.text
            printed = await visitor.get(f"/reports/{name}?print=1")
            assert (printed.status, "<nav" in printed.text, "<a " in printed.text) == (200, False, False), (
                name
            )
        if name == "stages":
            assert (
                "Nothing passes without evidence" if language == "en" else "沒有證據就不算通過"
            ) in page.words
        if name == "slos":
            assert ("Budget spent" if language == "en" else "預算用盡") in page.words
        if name.startswith("signals"):
            assert "<script>alert" not in page.text
            assert "alert(1)" in page.words
    assert (await visitor.get("/reports/stages?result=maybe")).status == 400
    assert (await visitor.get("/reports/scores?days=x")).status == 400
    assert (await visitor.get(f"/reports/signals/{uuid4()}")).status == 404


async def test_reports_are_files_too(visitor: Visitor, told: Told) -> None:
    """The links of a page give the same rows as CSV and JSON, with the console's own login."""
    assert told.signal
    await visitor.log_in()
    for name in TABLES:
        answer = await visitor.http.get(f"/api/reports/{name}?project=p&format=csv")
        assert answer.headers["content-type"].startswith("text/csv"), name
        assert answer.text.splitlines()[0].count(",") >= 1, name
        assert (await visitor.http.get(f"/api/reports/{name}?project=p")).json()["ok"] is True
    week = (await visitor.http.get("/api/reports/weekly")).json()
    figures = {line["figure"]: (line["value"], line["before"]) for line in week["figures"]}
    assert (figures["incidents_opened"], figures["attempts_failed"]) == ((1, 0), (4, 0))
    assert week["left_open"]["oldest_incidents"][0]["rule"] == "lease_expired"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_trail_is_read_page_by_page(visitor: Visitor, told: Told, language: str) -> None:
    """Filters, older rows, one row whole; how the chain stands is said with its age, and never green unverified."""
    visitor.speak(language)
    await visitor.log_in()
    first = await visitor.get("/audit")
    assert ("was not verified yet" if language == "en" else "尚未驗證過") in first.words
    keys = [key for key in first.attributes("tr", "data-key") if key]
    assert len(keys) == 30
    older = next(href for href in first.attributes("a", "href") if "before=" in href)
    second = await visitor.get(older)
    assert not set(keys) & {*second.attributes("tr", "data-key")}
    only = await visitor.get("/audit?event=job_paused")
    assert len(only.attributes("tr", "data-key")) == 1
    assert "wait for the new style guide" in only.words
    none = await visitor.get("/audit?event=no_such_event")
    assert ("No row matches" if language == "en" else "沒有資料列符合") in none.words
    of_job = await visitor.get(f"/audit?job={told.project.jobs['paused']}")
    assert 0 < len(of_job.attributes("tr", "data-key")) < 10
    (where,) = {href for href in only.attributes("a", "href") if href.startswith("/audit/")}
    whole = await visitor.get(where)
    assert "job_paused" in whole.words
    assert ("No seal covers it yet" if language == "en" else "尚無封印涵蓋") in whole.words
    assert (await visitor.get("/audit/1")).status == 404
    assert (await visitor.get("/audit/é")).status == 404
    assert (await visitor.get("/audit?before=x")).status == 400
    assert (await visitor.http.get("/api/audit?format=csv")).text.startswith("at,event,actor")


async def test_a_search_that_finds_nothing_ends_and_can_go_on(visitor: Visitor, told: Told, app: App) -> None:
    """A page looks back so far and no further, gives a cursor, and from there the rest is found, each row once."""
    from watchkeeper.services import audit_reading

    for xid in range(4, 14):  # the number of a transaction is no text: 13 comes after 4
        told.project.execute(
            "INSERT INTO watchkeeper.audit_events (project_id, event, actor, xid)"
            " VALUES ('p', 'job_claimed', 'worker:w1', %s::text::xid8)",
            str(xid),
        )
    reach, audit_reading.REACH = audit_reading.REACH, 7
    try:
        seen, cursor, pages = [], None, 0
        while True:
            found, cursor = await app.audit_reading.page("p", event="job_claimed", cursor=cursor, limit=2)
            assert len(found) <= 2
            seen += [row["row"] for row in found]
            pages += 1
            if cursor is None:
                break
    finally:
        audit_reading.REACH = reach
    claimed = "SELECT at FROM watchkeeper.audit_events WHERE project_id = 'p' AND event = 'job_claimed'"
    assert len(seen) == len(set(seen)) == len(await rows(app.database, claimed))
    assert pages > len(seen) / 2


async def kept(visitor: Visitor, path: str, act: str, **more: str) -> Page:
    page = await visitor.get(path)
    assert page.status == 200, page.words
    return await visitor.post(f"/acts/{act}", **(form_of(page, act) | more))


async def test_a_view_is_kept_opened_and_removed(visitor: Visitor, told: Told) -> None:
    """A filter that somebody uses again has a name, in their own list."""
    assert told.signal
    await visitor.log_in()
    views = await visitor.get("/views?of=%2Fjobs%3Fstate%3Dfailed")
    way = next(href for href in views.attributes("a", "href") if href.startswith("/acts/view-save"))
    assert (await kept(visitor, way, "view-save", name=HOSTILE)).status == 303
    listed = await visitor.get("/views")
    assert "/jobs?state=failed" in listed.attributes("a", "href")
    assert "<script>alert" not in listed.text
    gone = next(href for href in listed.attributes("a", "href") if href.startswith("/acts/view-remove"))
    assert (await kept(visitor, gone, "view-remove", reason="not used")).status == 303
    assert "No view is kept yet" in (await visitor.get("/views")).words


async def test_a_link_shows_one_page_and_nothing_else(visitor: Visitor, told: Told, app: App) -> None:
    """Who has a link sees that page without ways and acts, of that project, until somebody ends it."""
    assert told.signal
    await visitor.log_in(Role.SUPERVISOR)
    views = await visitor.get("/views?of=%2Freports%2Fstages%3Fresult%3Dunknown")
    way = next(href for href in views.attributes("a", "href") if href.startswith("/acts/share-make"))
    made = await kept(visitor, way, "share-make", days="2", reason="for the review")
    (link,) = {word for word in made.words.split() if "/share/" in word}
    path = "/share/" + link.rpartition("/share/")[2]
    async with visiting(app) as stranger:
        shown = await stranger.get(path)
        assert shown.status == 200
        assert "unknown" in shown.words.lower()
        assert "Back to" not in shown.words
        for tag in ("form", "nav", "a", "script", "button"):
            assert f"<{tag}" not in shown.text.replace("<article", ""), tag
        assert shown.headers["cache-control"] == "no-store"
        for other in (f"{path}?project=q", f"{path}?result=pass"):
            assert (await stranger.get(other)).words == shown.words or "result=pass" in other
        assert (await stranger.get("/share/nothing-like-it")).status == 404
        assert (await stranger.get("/reports/stages")).status == 303
        jobs, token = await app.watchdog.reporting.shares.make(
            "p", (await one_job(told)), days=1, actor=ACTOR, reason="one job"
        )
        assert (await stranger.get(f"/share/{token}")).status == 200
        await app.watchdog.reporting.shares.revoke("p", jobs["id"], actor=ACTOR, reason="seen")
        assert (await stranger.get(f"/share/{token}")).status == 404
        (incident,) = await rows(app.database, "SELECT id FROM watchkeeper.watchdog_incidents")
        _, token = await app.watchdog.reporting.shares.make(
            "p", PageAddress.parse(f"/incidents/{incident['id']}"), days=1, actor=ACTOR, reason="one incident"
        )
        of_one = await stranger.get(f"/share/{token}")
        assert (of_one.status, "lease_expired" in of_one.words) == (200, True)
        assert not [tag for tag in ("<form", "<nav", "<a ", "<button") if tag in of_one.text]
        for address in ("/views", "/jobs", "/incidents", "/acts/job-cancel"):
            _, token = await app.watchdog.reporting.shares.make(
                "p", PageAddress.parse(address), days=1, actor=ACTOR, reason="t"
            )
            assert (await stranger.get(f"/share/{token}")).status == 404, address


async def one_job(told: Told) -> object:
    return PageAddress.parse(f"/jobs/{told.project.jobs['failed']}")


async def test_a_badge_is_a_picture_for_everybody(visitor: Visitor, told: Told) -> None:
    """Its address opens without a login, in either language, may be kept for a minute, and is a picture alone."""
    assert told.signal
    await visitor.log_in(Role.SUPERVISOR)
    page = await visitor.get("/views")
    places = page.attributes("img", "src")
    assert len(places) == 4
    visitor.http.cookies.clear()
    for place in places:
        answer = await visitor.http.get(place)
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert answer.text.startswith("<svg")
    assert "需要處理 2" in (await visitor.http.get(places[0].replace("lang=en", "lang=zh_Hant"))).text
    assert (await visitor.http.get(places[0].replace(".svg", "0.svg"))).status_code == 404
