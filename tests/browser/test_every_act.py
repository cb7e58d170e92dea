"""Every act of the console, once, through its form, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser.acting import TARGETS
from browser.chromium import Watched, window
from browser.site import Site
from browser.stage import KIND, Stage
from interfaces.api_client import serving
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.families import ACTS

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
    # Apprise imports it where a channel of its kind is set up.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]

WHY = "tried in a browser"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(site: Site) -> AsyncIterator[Stage]:
    async with serving(site.app) as api:
        yield Stage(api, site.planted.project)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(site: Site, browser: Browser) -> AsyncIterator[Watched]:
    """The window of somebody who may do everything."""
    async with window(browser, site.url, cookies=await site.signed_in(Role.OWNER, None)) as watched:
        yield watched


async def _clear_the_way(site: Site, stage: Stage) -> None:
    """Take back what would stand in the way of the next act, whichever that is."""
    for path in (f"/api/kinds/{KIND}/resume", "/api/projects/p/resume"):
        await stage.api.post(path, {"reason": "the next act"})  # what was not paused is refused, and is well
    await site.app.kinds.set_switch("actions", is_on=True, actor="test", reason="the next act")


def _address(act: Act, target: dict[str, str]) -> str:
    said = ({} if act.of_whole else {"project": "p"}) | {**target, "next": "/more"}
    return f"/acts/{act.name}?{urlencode(said)}"


async def _carry_out(page: Page, act: Act) -> None:
    """Fill in what the form asks for and send it."""
    form = page.locator("form.act-form")
    for field in act.fields:
        if field.is_required and field.kind in ("text", "area"):
            box = form.locator(f"[name='{field.name}']")
            if not await box.input_value():
                await box.fill(f"tried-{act.name}")
    if await (reason := form.locator("textarea[name=reason]")).count():
        await reason.fill(WHY)
    await form.locator("button[type=submit]").click()


@pytest.mark.parametrize("name", TARGETS)
async def test_an_act_is_done_through_its_form(site: Site, owner: Watched, stage: Stage, name: str) -> None:
    """Its page shows what it would do; sent, it is told with its audit row, or its secret is shown this once."""
    act = ACTS[name]
    owner.problems.clear()
    page = await owner.page()
    try:
        await page.goto(_address(act, await TARGETS[name](stage)))
        await expect(page.locator("dl.plan")).to_be_visible()
        await _carry_out(page, act)
        await expect(page.locator("section.done, pre[tabindex]").first).to_be_visible()
        assert not owner.problems
    finally:
        await page.close()
        if name.startswith(("kind-", "project-", "switch-")):
            await _clear_the_way(site, stage)


async def test_every_act_is_tried() -> None:
    """An act that is new gets a target to be tried on: tests/browser/acting.py."""
    assert set(ACTS) - set(TARGETS) == set()


async def test_the_second_of_two_people_learns_who_was_faster(
    site: Site, browser: Browser, stage: Stage
) -> None:
    """Two look at the same job; one cancels it; the other is told by whom and when, and has done nothing."""
    target = {"job": await stage.job()}
    faster = window(browser, site.url, cookies=await site.signed_in(Role.OWNER, None))
    slower = window(browser, site.url, cookies=await site.signed_in(Role.SUPERVISOR, "p", "chen"))
    async with faster as one, slower as other:
        first, second = await one.page(), await other.page()
        for page, name in ((first, "job-cancel"), (second, "job-pause")):
            await page.goto(_address(ACTS[name], target))
        await _carry_out(first, ACTS["job-cancel"])
        await expect(first.locator("section.done")).to_be_visible()
        await _carry_out(second, ACTS["job-pause"])
        told = second.get_by_role("alert")
        await expect(told).to_contain_text("Somebody was faster")
        await expect(told).to_contain_text(WHY)
        await expect(told).to_contain_text("lin-owner")


async def test_an_act_is_taken_back_by_one_press(site: Site, browser: Browser, stage: Stage) -> None:
    """For ten minutes every page offers to undo what was done."""
    job = await stage.job()
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await watched.page()
        await page.goto(_address(ACTS["job-pause"], {"job": job}))
        await _carry_out(page, ACTS["job-pause"])
        await page.locator("section.done button").click()
        await expect(page.locator("section.done")).to_contain_text("Resume the job")
        assert (await site.app.insights.job("p", job))["state"] == "pending"
        assert not watched.problems
