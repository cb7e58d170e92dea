"""No-op jobs a second where a million jobs are finished, or a million are queued, before the clock starts."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import cast

from bench import server
from bench.drain import LANE, WORKERS, drain
from bench.peers import SEEDS, Peer, enqueue_all, peers
from bench.plan import Bench, Row, Spread

STATES = ("finished", "queued")
REQUIRED_OF_OWN = 0.9
Rates = dict[tuple[str, str, int], list[float]]
Filled = dict[tuple[str, str], tuple[str, int]]


async def measure(bench: Bench) -> list[Row]:
    """Fill one database for each peer and state, then alternate their drains with drains of empty tables."""
    rates: Rates = {}
    async with AsyncExitStack() as stack:
        filled: Filled = {}
        for peer in peers(0):
            for state in STATES:
                url = await stack.enter_async_context(bench.server.database())
                filled[peer.name, state] = (url, await fill(bench, peer, url, state))
        for turn in range(bench.plan.rounds):
            for workers in WORKERS:
                for peer in peers(turn):
                    await _one_turn(bench, peer, workers, filled, rates, turn)
    return [_row(bench, state, workers, rates) for state in STATES for workers in WORKERS]


async def fill(bench: Bench, peer: Peer, url: str, state: str) -> int:
    """Fill a database by copying real rows in SQL; give the mark above which drained jobs are counted."""
    bench.say(f"deep tables: {peer.name}, {bench.plan.depth:,} {state} rows")
    await peer.install(url)
    if state == "finished":
        await drain(bench, peer, url, 1, jobs=SEEDS)
        await peer.before_copying(url)
        copy = peer.copy_finished
    else:
        async with peer.lane(url, LANE) as lane:
            await enqueue_all(lane, SEEDS)
        copy = peer.copy_queued
    await server.execute(url, copy, LANE, bench.plan.depth // SEEDS - 1)
    await server.settle(url)
    return cast("int", await server.value(url, peer.mark, LANE))


async def _one_turn(bench: Bench, peer: Peer, workers: int, filled: Filled, rates: Rates, turn: int) -> None:
    """Drain each state of one peer's tables once; which comes first changes with the turn."""
    states = ("empty", *STATES)
    first = turn % len(states)
    for state in states[first:] + states[:first]:
        if state == "empty":
            async with bench.server.database() as url:
                await peer.install(url)
                rate = await drain(bench, peer, url, workers, jobs=bench.plan.jobs)
        else:
            url, mark = filled[peer.name, state]
            rate = await drain(bench, peer, url, workers, jobs=bench.plan.jobs, mark=mark)
        rates.setdefault((peer.name, state, workers), []).append(rate)
        bench.say(f"deep tables, {peer.name}, {workers} workers, {state}: {rate:,.0f} jobs/s")


def _row(bench: Bench, state: str, workers: int, rates: Rates) -> Row:
    ours, theirs = rates["watchkeeper", state, workers], rates["pgqueuer", state, workers]
    of_own = Spread.ratios(ours, rates["watchkeeper", "empty", workers])
    of_peer = Spread.ratios(ours, theirs)
    who = "1 worker process" if workers == 1 else f"{workers} worker processes"
    return Row(
        what=f"no-op jobs/s, {who}, {bench.plan.depth:,} {state}",
        required=f">= {REQUIRED_OF_OWN:g} x own empty table, > 1 x pgqueuer",
        reached=f"{of_own.text(2, ' x')} own, {of_peer.text(2, ' x')} pgqueuer: "
        f"{Spread.of(ours).text()} against {Spread.of(theirs).text()}",
        ok=of_own.median >= REQUIRED_OF_OWN and of_peer.median > 1,
        figures={
            "ratio_to_own_empty": of_own.json(),
            "ratio_to_pgqueuer": of_peer.json(),
            "watchkeeper": Spread.of(ours).json(),
            "watchkeeper_empty": Spread.of(rates["watchkeeper", "empty", workers]).json(),
            "pgqueuer": Spread.of(theirs).json(),
            "pgqueuer_empty": Spread.of(rates["pgqueuer", "empty", workers]).json(),
        },
    )
