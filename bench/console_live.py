"""How soon a change is on the screen, and what open consoles cost while nothing changes."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

from playwright.async_api import Page, async_playwright

from bench import server
from bench.console_fill import PROJECT, Filled
from bench.peers import sql
from bench.plan import Bench, NotMeasurableError, Row, Spread
from bench.sweep import cpu_seconds
from watchkeeper.app.whole import App
from watchkeeper.interfaces.console.login import SESSION_COOKIE
from watchkeeper.services.enqueueing import JobRequest

MOST_SECONDS = 1.0
CHANGES = 30
CONSOLES = 200
MOST_CORE = 0.2
SETTLE_SECONDS = 5.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
)


async def measure_changes(bench: Bench, app: App, url: str, secret: str) -> Row:
    """Enqueue jobs and time each until its row is drawn in a page of jobs that is open in Chromium."""
    async with _chromium(url, secret) as page:
        await page.goto(f"{url}/jobs?project={PROJECT}")
        await page.wait_for_selector(".freshness.is-live")
        seconds = []
        for number in range(CHANGES):
            await asyncio.sleep(0.7 + 0.05 * (number % 10))  # at any moment of the server's own rhythm
            begun = time.perf_counter()
            [made] = await app.queue.enqueue(PROJECT, [JobRequest("k0")], actor="bench")
            await page.wait_for_selector(f"[data-key='{made.id}']", timeout=15_000)
            seconds.append(time.perf_counter() - begun)
            bench.say(f"console: a change is on the screen after {seconds[-1]:.2f} s")
    found = Spread.of(seconds)
    return Row(
        what="change in the database to change on the screen",
        required=f"<= {MOST_SECONDS:g} s",
        reached=f"{found.text(2, ' s')} of {CHANGES}",
        ok=max(seconds) <= MOST_SECONDS,
        figures={"seconds": found.json()},
    )


@asynccontextmanager
async def _chromium(url: str, secret: str) -> AsyncIterator[Page]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise NotMeasurableError("there is no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        context = await browser.new_context(base_url=url)
        await context.add_cookies([{"name": SESSION_COOKIE, "value": secret, "url": url}])
        try:
            yield await context.new_page()
        finally:
            await browser.close()


def processor_seconds(bench: Bench, url: str, pid: int) -> dict[int, float]:
    """Give the processor time that the server and each of its database connections have used so far."""
    return {each: cpu_seconds(each) for each in (pid, *asyncio.run(_backends(bench, url)))}


async def _backends(bench: Bench, url: str) -> list[int]:
    name = server.database_name(url)
    return cast("list[int]", await server.value(bench.server.url, sql("watch_backends"), name))


async def measure_consoles(bench: Bench, filled: Filled, url: str, secret: str, pid: int) -> Row:
    """Keep 200 event streams open while nothing changes, and read what the server and its database use."""
    name = server.database_name(filled.url)
    async with AsyncExitStack() as stack:
        for _ in range(CONSOLES):
            await stack.enter_async_context(_console(url, secret))
        await asyncio.sleep(SETTLE_SECONDS)
        backends = await _backends(bench, filled.url)
        pids = {"serve": [pid], "database": backends}
        before = {each: sum(map(cpu_seconds, of)) for each, of in pids.items()}
        await asyncio.sleep(bench.plan.idle_seconds)
        cores = {
            each: (sum(map(cpu_seconds, of)) - before[each]) / bench.plan.idle_seconds
            for each, of in pids.items()
        }
        listeners = cast("int", await server.value(bench.server.url, sql("console_listeners"), name))
    return Row(
        what=f"{CONSOLES} open consoles, nothing changes",
        required=f"at most one LISTEN connection, < {MOST_CORE:.0%} of a core",
        reached=f"{listeners} LISTEN; serve {cores['serve']:.1%}, its database connections {cores['database']:.1%}",
        ok=listeners <= 1 and sum(cores.values()) < MOST_CORE,
        figures={"cores": cores, "listeners": listeners, "connections": len(backends)},
    )


@asynccontextmanager
async def _console(url: str, secret: str) -> AsyncIterator[None]:
    """Keep one stream of events open, and read what comes."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    asked = ["GET /events HTTP/1.1", f"Host: {place.netloc}", f"Cookie: {SESSION_COOKIE}={secret}"]
    writer.write("\r\n".join([*asked, "", ""]).encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"the stream of events answered {status!r}")
    reading = asyncio.create_task(_drain(reader))
    try:
        yield
    finally:
        reading.cancel()
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
