"""The system's Chromium as the tests drive it: nothing of it leaves the machine, and what a page does wrong is kept."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""Headless, with an empty profile of its own; names are not even looked up."""

TELL_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation',"
    " (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`))"
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run one Chromium for the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """A window whose wrongs are written down: console errors, exceptions, refused policies, foreign requests."""

    context: BrowserContext
    origin: str
    problems: list[str] = field(default_factory=list)

    async def page(self) -> Page:
        """Open a tab."""
        page = await self.context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type} at {message.location.get('url', '')}: {message.text}")

    def asked(self, request: Request) -> None:
        if f"{urlsplit(request.url).scheme}://{urlsplit(request.url).netloc}" != self.origin:
            self.problems.append(f"a request that leaves: {request.url}")


@asynccontextmanager
async def window(
    browser: Browser,
    origin: str,
    *,
    cookies: dict[str, str],
    language: str = "en",
    width: int = 1280,
    scheme: str = "light",
    scripts: bool = True,
) -> AsyncIterator[Watched]:
    """Open a window of somebody: with these cookies, language, width, and light or dark."""
    context = await browser.new_context(
        base_url=origin,
        locale=language,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    watched = Watched(context, origin)
    context.on("request", watched.asked)
    await context.add_init_script(TELL_VIOLATIONS)
    await context.add_cookies([{"name": n, "value": v, "url": origin} for n, v in cookies.items()])
    try:
        yield watched
    finally:
        await context.close()
