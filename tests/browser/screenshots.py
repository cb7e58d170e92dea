"""Draws the console for docs/: `make screenshots`. With a folder and `--all`, every page at full length, to look at."""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import shutil
import tempfile
from pathlib import Path

import psycopg
from PIL import Image
from playwright.async_api import Browser

from browser.addresses import addresses_of, page_paths
from browser.chromium import chromium, window
from browser.site import Site, console_site
from moving_clock import MovingClock
from watchkeeper.app import whole as root
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find
from watchkeeper.storage.embedded import EmbeddedServer

PLACE = Path(__file__).parents[2] / "docs" / "screenshots"
MAIN = {
    "overview": "/",
    "queues": "/queues",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "session": "/sessions/{session}",
    "incident": "/incidents/{incident}",
    "repair": "/repairs/{repair}",
    "reports": "/reports",
    "alerts": "/alerts",
}
"""The pages whose pictures are kept, by name; one that is not there yet is left out."""

LOOKS = (("en", 1280, "light"), ("zh-TW", 1280, "dark"), ("zh-TW", 390, "light"), ("en", 390, "dark"))
COLOURS = 128
HOUR = 3600.0
STEPS = 5
SAID = (
    "The second page has no picture yet: the fixture is missing, so the report would be incomplete. I ask for the file "
    "and go on with the third page meanwhile."
)


def main() -> None:
    """Plant, serve, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PLACE)
    parser.add_argument("--all", action="store_true", help="every page, at its full length")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="wk-screenshots-"))
    scratch.chmod(0o711)  # the database runs as another user where we are root
    server = EmbeddedServer(scratch / "postgresql", binaries=find())
    with server.user(stop_when_last=True):
        server.start()
        asyncio.run(_draw(server.admin_url(), scratch, args.folder, is_all=args.all))
    shutil.rmtree(scratch, ignore_errors=True)


async def _draw(admin_url: str, scratch: Path, folder: Path, *, is_all: bool) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pictures")
    url = psycopg.conninfo.make_conninfo(admin_url, dbname="pictures")
    async with root.running(Settings(home=scratch / "home", database_url=url)):
        with psycopg.connect(url) as connection:
            MovingClock.install(connection)
    clock = MovingClock(url)
    clock.advance(-HOUR * STEPS)
    async with (
        console_site(url, scratch / "home", said=SAID, passes=lambda: clock.advance(HOUR)) as site,
        chromium() as browser,
    ):
        _renew(url)
        await site.app.maintenance.keep_time()
        for name, path in _pages(is_all).items():
            await _pictures(
                site, browser, folder, name, addresses_of(path, site.planted, 1)[0], is_all=is_all
            )


def _pages(is_all: bool) -> dict[str, str]:
    paths = page_paths()
    if is_all:
        return {re.sub(r"\W+", "-", path).strip("-") or "overview": path for path in paths}
    return {name: path for name, path in MAIN.items() if path in paths}


def _renew(url: str) -> None:
    """Let the leases that live be alive at the end of the hours that have passed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE watchkeeper.leases SET renewed_at = watchkeeper.now() - interval '8 s',"
            " progress_at = watchkeeper.now(), expires_at = watchkeeper.now() + interval '20 minutes'"
            " WHERE expires_at > claimed_at"
        )


async def _pictures(
    site: Site, browser: Browser, folder: Path, name: str, address: str, *, is_all: bool
) -> None:
    for language, width, scheme in LOOKS:
        cookies = await site.signed_in(Role.OWNER, None)
        async with window(
            browser, site.url, cookies=cookies, language=language, width=width, scheme=scheme
        ) as watched:
            page = await watched.page()
            await page.set_viewport_size({"width": width, "height": 844 if width < 500 else 860})
            await page.goto(address)
            await page.wait_for_selector(".is-live, form, main", state="attached")
            drawn = await page.screenshot(full_page=is_all, animations="disabled")
        screen = "phone" if width < 500 else "desktop"
        _keep(drawn, folder / f"{name}-{language.partition('-')[0]}-{scheme}-{screen}.png")


def _keep(drawn: bytes, path: Path) -> None:
    """Keep a picture in few colours: the console has few."""
    with Image.open(io.BytesIO(drawn)) as picture:
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


if __name__ == "__main__":
    main()
