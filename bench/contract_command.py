"""One contract command of the CLI against a real server, from its start to its exit."""

from __future__ import annotations

import json
import subprocess
import time

from bench import commands
from bench.plan import Bench, Row, Spread
from watchkeeper.app import running
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings

MOST_MS = 150.0
PROJECT = "bench"


async def measure(bench: Bench) -> list[Row]:
    """Time `watchkeeper touch`, whose token, worker and server are real."""
    commands.need("serve")
    home = bench.scratch / "contract-home"
    home.mkdir()
    async with bench.server.database() as url:
        settings = commands.environment(
            home,
            commands.free_port(),
            WATCHKEEPER_DATABASE_URL=url,
            WATCHKEEPER_WORKER_ID="bench-worker",
            WATCHKEEPER_TOKEN=await _worker_token(home, url),
        )
        with commands.ready("serve", settings):
            touch(settings)
            found = Spread.of([touch(settings) for _ in range(max(20, bench.plan.samples // 10))])
    return [
        Row(
            what="contract command (touch), start to exit",
            required=f"<= {MOST_MS:g} ms median",
            reached=f"{found.text(0, ' ms')}, p99 {found.percentile(0.99):.0f} ms",
            ok=found.median <= MOST_MS,
            figures={"ms": found.json(), "p99_ms": found.percentile(0.99)},
        )
    ]


async def _worker_token(home: object, url: str) -> str:
    settings = Settings.read({"WATCHKEEPER_HOME": str(home), "WATCHKEEPER_DATABASE_URL": url})
    async with running(settings) as app:
        await app.kinds.ensure_project(PROJECT)
        token = await app.identity.create_token("bench", Role.WORKER, PROJECT, actor="bench")
    return token.secret


def touch(settings: dict[str, str]) -> float:
    """Run the command once and give its milliseconds; a refusal is no figure."""
    begun = time.perf_counter()
    done = subprocess.run(
        [*commands.PROGRAM, "touch"], env=settings, capture_output=True, text=True, check=False
    )
    took = (time.perf_counter() - begun) * 1000
    if done.returncode != 0 or not json.loads(done.stdout)["ok"]:
        raise RuntimeError(f"touch answered {done.returncode}: {done.stdout[:300]}{done.stderr[:300]}")
    return took
