"""One contract command of the CLI against a real server, from its start to its exit."""

from __future__ import annotations

import json
import subprocess
import time

from bench import commands
from bench.installation import installation
from bench.plan import Bench, Row, Spread

MOST_MS = 150.0
WHAT = "contract command (touch), start to exit"
REQUIRED = f"<= {MOST_MS:g} ms median"


async def measure(bench: Bench) -> list[Row]:
    """Time `watchkeeper touch`, whose token, worker and server are real."""
    commands.need("serve")
    async with installation(bench, "contract-home") as here:
        with commands.ready("serve", here.settings):
            touch(here.settings)
            found = Spread.of([touch(here.settings) for _ in range(max(20, bench.plan.samples // 10))])
    return [
        Row(
            what=WHAT,
            required=REQUIRED,
            reached=f"{found.text(0, ' ms')}, p99 {found.percentile(0.99):.0f} ms",
            ok=found.median <= MOST_MS,
            figures={"ms": found.json(), "p99_ms": found.percentile(0.99)},
        )
    ]


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
