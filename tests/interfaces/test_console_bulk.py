"""Bulk acts in the console: counted, begun, followed and stopped, by who may."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Visitor, form_of, visiting
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings

COUNTED = "/settings/bulk?what=pause&state=pending&kind=build&hours=0"


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


@pytest.mark.parametrize("language", ["en", "zh-TW"])
async def test_all_that_match_are_counted_then_moved(
    visitor: Visitor, project: ConsoleProject, app: App, language: str
) -> None:
    """The filter stands in the address; the act's page says what would come; the list shows how far it is."""
    visitor.speak(language)
    await visitor.log_in(Role.SUPERVISOR)
    assert ("No bulk act" if language == "en" else "還沒有批次操作") in (
        await visitor.get("/settings/bulk")
    ).words
    page = await visitor.get(COUNTED)
    assert ("1 jobs match." if language == "en" else "1 項工作符合條件。") in page.words
    (link,) = (link for link in page.attributes("a", "href") if link.startswith("/acts/bulk-begin"))
    shown = await visitor.get(link)
    form = form_of(shown, "bulk-begin")
    assert (await visitor.post("/acts/bulk-begin", **form, reason="the site moves")).status == 303
    running = await visitor.get("/settings/bulk")
    assert "the site moves" in running.words
    assert any(link.startswith("/acts/bulk-stop") for link in running.attributes("a", "href"))
    while (await app.bulk.run_once()).next_in == 0:
        pass
    assert (await app.insights.job("p", str(project.jobs["ready"])))["state"] == "paused"
    assert ("Done" if language == "en" else "已完成") in (await visitor.get("/settings/bulk")).words


async def test_what_cannot_be_is_said(visitor: Visitor, project: ConsoleProject) -> None:
    """An act that no job of the state allows is explained; who may only read counts, and begins nothing."""
    await visitor.log_in(Role.VIEWER)
    page = await visitor.get("/settings/bulk?what=resume&state=pending")
    assert "This cannot be done to jobs in that state." in page.words
    assert "/acts/" not in (await visitor.get(COUNTED)).text
    assert (await visitor.get("/settings/bulk?what=pause&state=pending&hours=x")).status == 400
