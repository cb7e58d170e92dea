"""Bulk enqueue, 1,000 jobs a call and a commit, against pgqueuer's."""

from __future__ import annotations

from bench.peers import BATCH, enqueue_all, peers
from bench.plan import Bench, Row, Spread

REQUIRED = 1.3


async def measure(bench: Bench) -> list[Row]:
    """Compare ours with pgqueuer's, a new database for each figure, after one warm-up call."""
    rates: dict[str, list[float]] = {}
    for turn in range(bench.plan.rounds):
        for peer in peers(turn):
            async with bench.server.database() as url:
                await peer.install(url)
                async with peer.lane(url, "bench") as lane:
                    await enqueue_all(lane, BATCH)
                    rate = bench.plan.jobs / await enqueue_all(lane, bench.plan.jobs)
            rates.setdefault(peer.name, []).append(rate)
            bench.say(f"bulk enqueue, round {turn + 1}, {peer.name}: {rate:,.0f} jobs/s")
    ours, theirs = rates["watchkeeper"], rates["pgqueuer"]
    ratio = Spread.ratios(ours, theirs)
    return [
        Row(
            what="bulk enqueue, jobs/s",
            required=f">= {REQUIRED:g} x pgqueuer",
            reached=f"{ratio.text(2, ' x')}: {Spread.of(ours).text()} against {Spread.of(theirs).text()}",
            ok=ratio.median >= REQUIRED,
            figures={
                "ratio": ratio.json(),
                "watchkeeper": Spread.of(ours).json(),
                "pgqueuer": Spread.of(theirs).json(),
            },
        )
    ]
