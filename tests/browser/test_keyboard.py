"""The console by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from browser.chromium import window
from browser.looks import look
from browser.site import Site

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

MOST_STEPS = 400


async def test_the_first_key_offers_the_content(site: Site, browser: Browser) -> None:
    """Tab shows "Skip to content" first; Enter goes there, past the navigation."""
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await watched.page()
        await page.goto("/")
        await page.keyboard.press("Tab")
        focused = await look(page, "focused")
        assert "Skip to content" in focused["name"]
        assert focused["shown"]
        await page.keyboard.press("Enter")
        assert (await look(page, "focused"))["id"] == "main"


@pytest.mark.parametrize("path", ["/", "/jobs"])
async def test_every_step_of_the_keyboard_can_be_seen(site: Site, browser: Browser, path: str) -> None:
    """Each link, button and choice is reached by Tab, stands on the screen then, and has a ring around it."""
    async with window(browser, site.url, cookies=await site.signed_in()) as watched:
        page = await watched.page()
        await page.goto(path)
        seen = []
        for _ in range(MOST_STEPS):
            await page.keyboard.press("Tab")
            if (focused := await look(page, "focused")) is None:
                break
            seen.append(focused)
        wanted = await page.locator("a[href]:visible, button:visible, select:visible, input:visible").count()
        assert len(seen) >= wanted
        assert [one["name"] for one in seen if not (one["ring"] and one["shown"])] == []
