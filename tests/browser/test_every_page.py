"""Every page of the console in a real browser: both languages, two widths, light and dark, with and without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from browser.addresses import addresses_of, page_paths
from browser.chromium import Watched, window
from browser.looks import AXE, grave_findings, overflowing, small_targets
from browser.site import Site
from watchkeeper.domain.badges import BadgeKind
from watchkeeper.domain.principals import Role

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

PHONE, DESK = 390, 1280


@dataclass
class Look:
    """A tab in which every page is looked at: axe sees it in one width, the other is looked at for what stands outside.

    Of a page's addresses axe sees one: in English the first of what is planted, in Chinese the last.
    """

    language: str
    width: int
    axe_sees: int
    watched: Watched
    page: Page

    @property
    def other_width(self) -> int:
        return PHONE if self.width == DESK else DESK


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def looks(site: Site, browser: Browser) -> AsyncIterator[list[Look]]:
    """One tab for each language, for all pages."""
    cookies = await site.signed_in(Role.OWNER, None)
    async with AsyncExitStack() as stack:
        found = []
        for language, width, scheme, axe_sees in (("en", DESK, "light", 0), ("zh-TW", PHONE, "dark", -1)):
            opened = window(browser, site.url, cookies=cookies, language=language, width=width, scheme=scheme)
            watched = await stack.enter_async_context(opened)
            found.append(Look(language, width, axe_sees, watched, await watched.page()))
        yield found


@pytest.mark.parametrize("path", page_paths())
async def test_a_page_is_whole_on_every_screen(site: Site, looks: list[Look], path: str) -> None:
    """It answers, stays silent, breaks no policy, asks nobody else, fits, and axe finds nothing serious."""
    addresses = addresses_of(path, site.planted)
    for look in looks:
        look.watched.problems.clear()
        for address in addresses:
            answered = await look.page.goto(address)
            assert answered is not None
            assert answered.status == 200, address
            policy = answered.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            await _hold(look, address, with_axe=address == addresses[look.axe_sees])
            assert not look.watched.problems, (address, look.watched.problems)


async def _hold(look: Look, address: str, *, with_axe: bool) -> None:
    page = look.page
    found = await grave_findings(page) if with_axe and AXE.exists() else []
    found += await small_targets(page) if look.width == PHONE else []
    for width in (look.width, look.other_width):
        await page.set_viewport_size({"width": width, "height": 900})
        found += [f"{one} at {width}" for one in await overflowing(page)]
    await page.set_viewport_size({"width": look.width, "height": 900})
    assert not found, f"{address} {look.language} {look.width}:\n" + "\n".join(found)


async def test_a_badge_is_shown_to_anybody(site: Site, browser: Browser) -> None:
    """A picture at an address of its own, in both languages, without a login; it asks nobody else."""
    paths = await site.app.watchdog.reporting.badges.paths("p")
    assert set(paths) == set(BadgeKind)
    async with window(browser, site.url, cookies={}) as watched:
        page = await watched.page()
        for path in paths.values():
            for language in ("en", "zh_Hant"):
                answered = await page.goto(f"{path}?lang={language}")
                assert answered is not None
                assert (answered.status, answered.headers["content-type"].split(";")[0]) == (
                    200,
                    "image/svg+xml",
                )
        assert not watched.problems


async def test_a_share_link_needs_no_login(site: Site, browser: Browser) -> None:
    """Who has the link sees the page without an account, and no way on from it."""
    async with window(browser, site.url, cookies={}) as watched:
        page = await watched.page()
        for address in addresses_of("/share/{token}", site.planted):
            answered = await page.goto(address)
            assert answered is not None
            assert answered.status == 200
            assert await page.locator("main h1").count()
            assert await page.locator("main a[href], form, nav").count() == 0
        assert not watched.problems
