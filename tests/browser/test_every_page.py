"""Every page of the console in a real browser: both languages, two widths, light and dark, with and without scripts."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from browser.addresses import addresses_of, page_paths
from browser.chromium import window
from browser.looks import AXE, grave_findings, overflowing, small_targets
from browser.site import Site
from watchkeeper.domain.principals import Role

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.asyncio(loop_scope="session")]

PHONE, DESK = 390, 1280
LOOKS = [("en", DESK, "light"), ("zh-TW", PHONE, "dark")]
"""Language and width, and what axe sees them in; the other two pairs are looked at for what stands outside."""


@pytest.mark.parametrize("path", page_paths())
async def test_a_page_is_whole_on_every_screen(site: Site, browser: Browser, path: str) -> None:
    """It answers, stays silent, breaks no policy, asks nobody else, fits, and axe finds nothing serious."""
    cookies = await site.signed_in(Role.OWNER, None)
    for language, width, scheme in LOOKS:
        async with window(
            browser, site.url, cookies=cookies, language=language, width=width, scheme=scheme
        ) as watched:
            page = await watched.page()
            for address in addresses_of(path, site.planted):
                answered = await page.goto(address)
                assert answered is not None
                assert answered.status == 200, address
                policy = answered.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                await _hold(page, f"{address} {language} {width} {scheme}", width)
                assert not watched.problems, (address, watched.problems)


async def _hold(page: Page, what: str, width: int) -> None:
    found = await grave_findings(page) if AXE.exists() else []
    found += await small_targets(page) if width == PHONE else []
    for each in (width, PHONE if width == DESK else DESK):
        await page.set_viewport_size({"width": each, "height": 900})
        found += [f"{one} at {each}" for one in await overflowing(page)]
    await page.set_viewport_size({"width": width, "height": 900})
    assert not found, f"{what}:\n" + "\n".join(found)
