"""How long an idle worker takes from the call that enqueues a job to the first line of its handler."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bench.crew import line_of, worker
from bench.peers import Lane, Peer, peers
from bench.plan import Bench, Row, Spread

MOST = 1.15
GAP_SECONDS = 0.1
"""Between two samples; each worker has been idle for about twice that, past every flush and second look."""

WARM_UP_SAMPLES = 10
LANE = "bench"


@dataclass(slots=True)
class Sleeper:
    """An idle worker of one peer, and the warm way to its lane."""

    name: str
    lane: Lane
    process: subprocess.Popen[str]
    milliseconds: list[float] = field(default_factory=list)

    async def sample(self) -> float:
        """Send one job and give the milliseconds until its handler ran; both clocks are this machine's."""
        begun = time.monotonic_ns()
        await self.lane.enqueue_one({"i": begun})
        ran = await asyncio.to_thread(line_of, self.process, 60.0)
        return (int(ran.split()[0]) - begun) / 1e6


async def measure(bench: Bench) -> list[Row]:
    """Send jobs to both idle workers in turn, one at a time."""
    async with AsyncExitStack() as stack:
        sleepers = [await _sleeper(bench, stack, peer) for peer in peers(0)]
        for number in range(WARM_UP_SAMPLES + bench.plan.samples):
            for sleeper in sleepers if number % 2 == 0 else sleepers[::-1]:
                # A fixed gap would beat with the peers' own timers.
                await asyncio.sleep(GAP_SECONDS * random.uniform(0.8, 1.2))
                found = await sleeper.sample()
                if number >= WARM_UP_SAMPLES:
                    sleeper.milliseconds.append(found)
            if number % 200 == 0:
                bench.say(f"wake-up: {number} samples")
    ours, theirs = (Spread.of(sleeper.milliseconds) for sleeper in sleepers)
    return [_row("p50", 0.5, ours, theirs), _row("p99", 0.99, ours, theirs)]


async def _sleeper(bench: Bench, stack: AsyncExitStack, peer: Peer) -> Sleeper:
    url = await stack.enter_async_context(bench.server.database())
    await peer.install(url)
    lane = await stack.enter_async_context(peer.lane(url, LANE))
    process = stack.enter_context(worker(peer.name, url, "--lane", LANE))
    return Sleeper(peer.name, lane, process)


def _row(name: str, share: float, ours: Spread, theirs: Spread) -> Row:
    mine, other = ours.percentile(share), theirs.percentile(share)
    return Row(
        what=f"wake-up of an idle worker, {name} of {len(ours.values):,}",
        required=f"<= {MOST:g} x pgqueuer",
        reached=f"{mine / other:.2f} x: {mine:.2f} ms against {other:.2f} ms",
        ok=mine <= MOST * other,
        figures={"watchkeeper_ms": ours.json(), "pgqueuer_ms": theirs.json(), "ratio": mine / other},
    )
