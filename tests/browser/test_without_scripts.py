"""The console in a browser that runs no scripts."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from browser.addresses import addresses_of, page_paths
from browser.chromium import window
from browser.site import Site
from watchkeeper.domain.principals import Role

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]


async def test_every_page_says_the_same_without_scripts(site: Site, browser: Browser) -> None:
    """Each page answers with its content, and asks nobody else."""
    async with window(
        browser, site.url, cookies=await site.signed_in(Role.OWNER, None), scripts=False
    ) as watched:
        page = await watched.page()
        for path in page_paths():
            for address in addresses_of(path, site.planted, 1):
                answered = await page.goto(address)
                assert answered is not None
                assert answered.status == 200, address
                await expect(page.locator("main h1").first).to_be_visible()
        assert not watched.problems


async def test_somebody_signs_in_chooses_a_language_filters_and_signs_out(
    site: Site, browser: Browser
) -> None:
    """The whole way of a reader by links and forms alone."""
    token = await site.app.identity.create_token("mei", Role.VIEWER, "p", actor="test")
    async with window(browser, site.url, cookies={}, scripts=False) as watched:
        page = await watched.page()
        await page.goto("/jobs")
        await page.locator("input[name=token]").fill(token.secret)
        await page.locator("main form button[type=submit]").click()
        await expect(page).to_have_url(f"{site.url}/jobs")
        await page.get_by_role("link", name="繁體中文").click()
        await expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
        await page.goto("/jobs?state=stuck")
        assert await page.locator("tbody tr").count() == 1
        await page.locator("form[action='/logout'] button").click()
        await expect(page).to_have_url(f"{site.url}/login")
        assert not watched.problems
