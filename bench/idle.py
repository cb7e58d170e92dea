"""What a worker costs that has nothing to do: memory, and transactions a second."""

from __future__ import annotations

import asyncio
import re
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

from bench import commands, server
from bench.crew import line_of, running, worker
from bench.peers import Peer, Watchkeeper, peers, sql
from bench.plan import Bench, Row

MOST_MB = 60.0
MOST_TRANSACTIONS = 1.0
SETTLE_SECONDS = 12.0
"""A session that falls idle may keep its counts for ten seconds; those of the start must be in before."""

LANE = "default"
COMMAND = "watchkeeper work --app"


async def measure(bench: Bench) -> list[Row]:
    """Watch idle workers at the same time, each in a database of its own; first the databases without them."""
    async with AsyncExitStack() as stack:
        urls = {}
        for name, peer in {**{peer.name: peer for peer in peers(0)}, COMMAND: Watchkeeper()}.items():
            urls[name] = await stack.enter_async_context(bench.server.database())
            await peer.install(urls[name])
            await server.settle(urls[name])
        bench.say("idle: the databases alone, then with a worker each")
        alone = await _commits_a_second(bench, urls)
        processes = {peer.name: await _idle_worker(stack, peer, urls[peer.name]) for peer in peers(0)}
        processes[COMMAND] = _idle_command(bench, stack, urls[COMMAND])
        await asyncio.sleep(SETTLE_SECONDS)
        beside = await _commits_a_second(bench, urls)
        memory = {name: resident_mb(process.pid) for name, process in processes.items()}
    rate = {name: max(0.0, beside[name] - alone[name]) for name in beside}
    return [
        _row("idle worker in a Python program", "watchkeeper", memory, rate),
        _row("idle worker, `watchkeeper work --app`", COMMAND, memory, rate),
    ]


def _row(what: str, name: str, memory: dict[str, float], rate: dict[str, float]) -> Row:
    texts = [f"{memory[each]:.0f} MB, {rate[each]:.2f}/s" for each in (name, "pgqueuer")]
    return Row(
        what=what,
        required=f"<= {MOST_MB:g} MB, <= {MOST_TRANSACTIONS:g} transaction/s",
        reached=f"{texts[0]}; pgqueuer {texts[1]}",
        ok=memory[name] <= MOST_MB and rate[name] <= MOST_TRANSACTIONS,
        figures={"resident_mb": memory, "transactions_per_second": rate},
    )


async def _idle_worker(stack: AsyncExitStack, peer: Peer, url: str) -> subprocess.Popen[str]:
    """Start a worker and see it do one job, so that it is idle and not starting."""
    process = stack.enter_context(worker(peer.name, url, "--lane", LANE))
    async with peer.lane(url, LANE) as lane:
        await lane.enqueue_one({})
        await asyncio.to_thread(line_of, process, 60.0)
    return process


def _idle_command(bench: Bench, stack: AsyncExitStack, url: str) -> subprocess.Popen[str]:
    home = bench.scratch / "idle-home"
    settings = commands.environment(home, commands.free_port(), WATCHKEEPER_DATABASE_URL=url)
    command = [*commands.PROGRAM, "work", "--app", "bench.noop:handlers"]
    return stack.enter_context(running(command, settings, quiet=True))


async def _commits_a_second(bench: Bench, urls: dict[str, str]) -> dict[str, float]:
    """Count commits in each database, seen from another one so that the looks do not count."""
    before = {name: await _commits(bench, url) for name, url in urls.items()}
    await asyncio.sleep(bench.plan.idle_seconds)
    return {
        name: (await _commits(bench, url) - before[name]) / bench.plan.idle_seconds
        for name, url in urls.items()
    }


async def _commits(bench: Bench, url: str) -> int:
    found = await server.value(bench.server.url, sql("commits"), server.database_name(url))
    assert isinstance(found, int)
    return found


def resident_mb(pid: int) -> float:
    """Give the resident memory of a process in megabytes of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6
