"""A live session in a browser: its lines come by themselves, and nothing moves under who has scrolled up."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from browser.chromium import window
from browser.site import Site
from raw_sql import rows

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

PATIENCE_MS = 15_000
TELL = """
WITH told AS (
  INSERT INTO watchkeeper.session_events (project_id, session_id, number, t, source, event, fields)
  SELECT 'p', %(id)s, n, n, 'stdout', 'said', jsonb_build_object('text', 'line ' || n || '.')
    FROM generate_series(%(first)s::int, %(last)s::int) n)
UPDATE watchkeeper.agent_sessions SET heard_at = watchkeeper.now() WHERE id = %(id)s
"""
BEGIN = """
INSERT INTO watchkeeper.agent_sessions (project_id, job_id, epoch, worker_id, agent, number, told_by, heard_at)
VALUES ('p', %(job)s, 1, 'w1', 'codex', 9, 'supervisor', watchkeeper.now()) RETURNING id
"""


async def scroll(lines: Locator) -> dict[str, Any]:
    told = "e => JSON.stringify({top: e.scrollTop, left: e.scrollHeight - e.scrollTop - e.clientHeight})"
    measured: dict[str, Any] = json.loads(await lines.evaluate(told))
    return measured


async def test_lines_follow_and_wait(site: Site, browser: Browser) -> None:
    """New lines are there within a second; who scrolled up stays, learns how many came, and is led back by a button."""
    database = site.app.database
    [session] = await rows(database, BEGIN, {"job": site.planted.project.jobs["running"]})

    async def tell(first: int, last: int) -> None:
        await rows(database, TELL, {"id": session["id"], "first": first, "last": last})

    await tell(1, 200)
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await watched.page()
        await page.goto(f"{site.url}/sessions/{session['id']}?project=p")
        await expect(page.locator("[data-status]")).to_have_class("freshness is-live", timeout=PATIENCE_MS)
        lines, jump = page.locator("wk-lines"), page.locator("[data-jump]")

        await expect(jump).to_be_hidden()
        assert (await scroll(lines))["left"] < 24
        seconds = []
        for number in range(201, 204):
            begun = time.monotonic()
            await tell(number, number)
            await expect(lines).to_contain_text(f"line {number}.", timeout=PATIENCE_MS)
            seconds.append(time.monotonic() - begun)
        assert sorted(seconds)[1] <= 1.0, seconds
        assert (await scroll(lines))["left"] < 24

        await lines.evaluate("e => { e.scrollTop = 200 }")
        # Asked again and again from outside: the page's policy lets no text be run within it.
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while await page.evaluate("document.querySelector('wk-lines').state.following"):
                pass
        before = await scroll(lines)
        await tell(204, 210)
        await expect(jump).to_contain_text("7", timeout=PATIENCE_MS)
        assert (await scroll(lines))["top"] == before["top"]
        await jump.click()
        await expect(jump).to_be_hidden()
        assert (await scroll(lines))["left"] < 24
        assert not watched.problems
