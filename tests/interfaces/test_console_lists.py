"""The lists of the console as files, over a real database."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import psycopg
import pytest

from any_rows import add_row
from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Visitor, visiting
from watchkeeper.app.whole import App
from watchkeeper.services import insights
from watchkeeper.services.list_tables import LISTS
from watchkeeper.settings import Settings

LISTS_OF_PAGES = {
    "/jobs?state=failed": "jobs",
    "/incidents?state=all&severity=high": "incidents",
    "/repairs": "repairs",
    "/workers": "workers",
    "/sessions?state=live": "sessions",
    "/alerts": "alerts",
    "/proposals": "proposals",
    "/lessons": "lessons",
    "/audit?event=job_paused": "events",
}


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    url = str(settings.database_url)
    made = await fill(app, url)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("repair_actions", "alerts", "proposals", "lessons", "agent_sessions"):
            add_row(connection, table, project_id="p")
        add_row(connection, "watchdog_incidents", project_id="p", rule="lease_expired", severity="high")
    return made


async def test_every_list_is_a_file_too(visitor: Visitor, project: ConsoleProject) -> None:
    """The links of a list's page give its rows, with its filters, as CSV and as JSON: the same ones."""
    assert project.name == "p"
    await visitor.log_in()
    for page, name in LISTS_OF_PAGES.items():
        ways = (await visitor.get(page)).attributes("a", "href")
        (table,) = [way for way in ways if "format=csv" in way]
        data = await visitor.http.get(table.replace("format=csv", "format=json"))
        answer = await visitor.http.get(table)
        assert answer.headers["content-type"].startswith("text/csv"), (page, answer.text)
        found = list(csv.DictReader(io.StringIO(answer.text)))
        assert answer.text.splitlines()[0] == ",".join(LISTS[name])
        listed = data.json()[name]
        assert len(found) == len(listed), page
        assert all(set(LISTS[name]) <= set(row) for row in listed), (page, listed)
        states = {row.get("state") for row in found}
        assert states == {"failed"} if "state=failed" in page else True
    more = await visitor.http.get("/api/jobs?project=p&limit=2&format=csv")
    rest = await visitor.http.get(
        f"/api/jobs?project=p&format=csv&cursor={more.headers['watchkeeper-next-cursor']}"
    )
    whole = (await visitor.http.get("/api/jobs?project=p&format=csv")).text.splitlines()
    assert more.text.splitlines() + rest.text.splitlines()[1:] == whole
    assert "watchkeeper-next-cursor" not in rest.headers


async def test_pending_jobs_are_the_same_however_they_are_found(
    app: App, project: ConsoleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few that wait are put in order themselves, many are found among the newest jobs: a page shows the same."""
    for kind in (None, "build"):
        pages = []
        for few in (20_000, -1):
            monkeypatch.setattr(insights, "FEW_WAITING", few)
            pages.append(await app.insights.jobs(project.name, state="pending", kind=kind, limit=2))
        assert pages[0] == pages[1]
        assert {row["state"] for row in pages[0][0]} == {"pending"}
