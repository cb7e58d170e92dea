"""How soon an incident that has been opened is handed to a channel, with the watch as it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread

from bench import commands
from bench.crew import running as process
from bench.installation import PROJECT, installation
from bench.plan import Bench, Row, Spread
from watchkeeper.app.whole import App, running
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.incident_reports import ReportedIncident
from watchkeeper.settings import Settings

MOST_SECONDS = 2.0
INCIDENTS = 10
BEGUN_SECONDS = 5.0
PAUSE_SECONDS = 1.37
"""Between two incidents, so that they meet the watch at different moments of its rhythm."""

PATIENCE_SECONDS = 20.0
HERE = "127.0.0.1"


async def measure_alerts(bench: Bench) -> Row:
    """Open incidents one after the other, and time each until a webhook channel has its message."""
    arrived: Queue[float] = Queue()
    async with installation(bench, "console-alerts") as place:
        surroundings = {**place.settings, "WATCHKEEPER_FETCH_ALLOW": HERE}
        own = {name: text for name, text in surroundings.items() if name.startswith("WATCHKEEPER_")}
        with _receiver(arrived) as address, process([*commands.PROGRAM, "watch"], surroundings, quiet=True):
            async with running(replace(Settings.read(own), fetch_allow=(HERE,))) as app:
                wanted = WantedChannel("bench", "webhook", address)
                await app.watchdog.alerting.channels.turn_on(PROJECT, wanted, actor="bench", reason="bench")
                await asyncio.sleep(BEGUN_SECONDS)
                seconds = [await _seconds_to_arrival(app, number, arrived) for number in range(INCIDENTS)]
    found = Spread.of(seconds)
    return Row(
        what="incident opened to alert handed to the channel",
        required=f"<= {MOST_SECONDS:g} s",
        reached=f"{found.text(2, ' s')} of {INCIDENTS}",
        ok=max(seconds) <= MOST_SECONDS,
        figures={"seconds": found.json()},
    )


async def _seconds_to_arrival(app: App, number: int, arrived: Queue[float]) -> float:
    """Open an incident of a kind of its own; raise RuntimeError where no message of it comes."""
    await asyncio.sleep(PAUSE_SECONDS)
    while not arrived.empty():
        arrived.get_nowait()
    said = ReportedIncident(RuleName.ARTIFACT_LOST, "reported", about=f"bench-{number}")
    begun = time.monotonic()
    await app.watchdog.incident_reports.report(PROJECT, said, actor="bench")
    try:
        return await asyncio.to_thread(arrived.get, True, PATIENCE_SECONDS) - begun
    except Empty:
        raise RuntimeError(f"no alert came in {PATIENCE_SECONDS:g} s for incident {number}") from None


@contextmanager
def _receiver(arrived: Queue[float]) -> Iterator[str]:
    """Take webhooks on this machine and note when each comes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            arrived.put(time.monotonic())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the table alone goes out."""

    receiver = ThreadingHTTPServer((HERE, 0), Handler)
    Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        yield f"http://{HERE}:{receiver.server_port}/bench"
    finally:
        receiver.shutdown()
        receiver.server_close()
