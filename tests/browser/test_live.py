"""What changes on a page by itself: new data without a reload, nothing that moves under the reader, a lost server."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from browser.chromium import Watched, window
from browser.site import Site, serving

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

SEEN_SECONDS = 1.0
PATIENCE_MS = 15_000
POLL_SECONDS = 16


async def _open(watched: Watched, address: str) -> Page:
    """Open a page and wait until it is told of changes."""
    page = await watched.page()
    await page.goto(address)
    await expect(page.locator("[data-status]")).to_have_class("freshness is-live", timeout=PATIENCE_MS)
    return page


async def test_a_change_is_on_the_screen_within_a_second(site: Site, browser: Browser) -> None:
    """Of three changes in the database the middle one is seen within a second, without a reload."""
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await _open(watched, "/jobs")
        await page.evaluate("window.notReloaded = true")
        seconds = []
        for number in range(3):
            job = await site.planted.project.add(f"live-{number}", "notes")
            begun = time.monotonic()
            await page.wait_for_selector(f"[data-key='{job}']", timeout=PATIENCE_MS)
            seconds.append(time.monotonic() - begun)
        assert await page.evaluate("window.notReloaded")
        assert sorted(seconds)[1] <= SEEN_SECONDS, seconds
        assert not watched.problems


async def test_new_rows_do_not_move_what_is_read(site: Site, browser: Browser) -> None:
    """Who has scrolled down keeps the line under the eye; new rows wait behind a button that counts them."""
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await _open(watched, "/jobs")
        await page.set_viewport_size({"width": 1280, "height": 400})
        row = page.locator("[data-rows] tr[data-key]").nth(8)
        await expect(row).to_be_attached()
        # At once, in the page: a row that a refresh has just replaced cannot be scrolled to from outside.
        await page.evaluate("document.querySelectorAll('[data-rows] tr[data-key]')[8].scrollIntoView()")
        await page.evaluate("scrollBy(0, 120)")
        before = await row.bounding_box()
        await site.planted.project.add("unread", "notes")
        button = page.locator("button.arrived")
        await expect(button).to_be_attached(timeout=PATIENCE_MS)
        after = await row.bounding_box()
        assert before is not None
        assert after is not None
        assert abs(before["y"] - after["y"]) <= 1
        await button.click()
        await expect(page.locator(f"[data-key='{site.planted.project.jobs['unread']}']")).to_be_visible()


async def test_a_region_in_use_is_left_alone(site: Site, browser: Browser) -> None:
    """Where the keyboard is nothing is swapped away; the region says that newer data waits, and shows it after."""
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await _open(watched, "/jobs")
        link = page.locator("[data-rows] a").first
        await link.focus()
        job = await site.planted.project.add("waits", "notes")
        await expect(page.locator("[data-region][data-held]").first).to_be_attached(timeout=PATIENCE_MS)
        await expect(link).to_be_focused()
        await link.blur()
        await expect(page.locator(f"[data-key='{job}']")).to_be_visible(timeout=PATIENCE_MS)


async def test_a_lost_server_is_shown_and_so_is_its_return(site: Site, browser: Browser) -> None:
    """The page never passes old data for new: it says that the connection is lost, and lives again by itself."""
    with tempfile.TemporaryDirectory(prefix="wk-console-") as home:
        with serving(site.database_url, Path(home)) as url:
            window_of = window(browser, url, cookies=await site.signed_in())
            watched = await window_of.__aenter__()
            page = await watched.page()
            await page.clock.install()
            await page.goto("/")
            status = page.locator("[data-status]")
            await expect(status).to_have_class("freshness is-live", timeout=PATIENCE_MS)
        await page.clock.fast_forward(POLL_SECONDS * 1000)
        await expect(status).to_have_class("freshness is-lost", timeout=PATIENCE_MS)
        await expect(status).to_contain_text("Connection lost")
        with serving(site.database_url, Path(home), url.rpartition(":")[2]):
            await page.clock.fast_forward(POLL_SECONDS * 1000)
            await expect(status).not_to_have_class("freshness is-lost", timeout=PATIENCE_MS)
            await window_of.__aexit__(None, None, None)
