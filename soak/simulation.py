"""Thousands of runs with every fault mixed in, on the real database, gate and store: seeded, and replayable.

Agents take turns by one random source and the clock moves only when told to, so that a seed gives the same run again.
Nothing may turn green without a true artifact, no job may be lost, none may be completed twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg

from soak.agents import Agent
from soak.world import World
from watchkeeper.app.whole import running
from watchkeeper.domain.stage_proofs import CLASSIFIED_SHARE
from watchkeeper.services.why import STANDING_STILL
from watchkeeper.settings import Settings

AGENTS = 12
LOOK_EVERY = 25
"""Turns between two looks at whether jobs are to be added."""

TICK_SHARE = 0.12
MOST_TURNS_A_RUN = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation came to; `problems` is empty where every promise held.

    `classified` counts the jobs that stand still to which `why` gives a class and a repair.
    """

    seed: int
    jobs: int
    runs: int
    states: dict[str, int]
    answers: dict[str, int]
    problems: list[str]
    trace_hash: str
    standing_still: int
    classified: int

    def broken(self, promise: str) -> int:
        """Count the problems of one sort."""
        return sum(problem.startswith(f"{promise}:") for problem in self.problems)


async def simulate(database_url: str, home: Path, *, runs: int, seed: int, at_once: int = 24) -> Outcome:
    """Let agents work, lie, die and be interrupted for `runs` runs, then until every job stands still.

    About `at_once` jobs wait or run at any time. The database is empty at the begin.
    """
    rng = random.Random(seed)
    settings = Settings(home=home, database_url=database_url)
    async with (
        running(settings) as app,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        world = World(app, connection)
        await world.open()
        await asyncio.to_thread((home / "handed-in").mkdir, parents=True)
        await _played(world, rng, home / "handed-in", runs, at_once)
        return await _judged(world, seed)


async def _played(world: World, rng: random.Random, scratch: Path, runs: int, at_once: int) -> None:
    lives = [Agent(world, f"agent-{number}", rng, scratch).lives() for number in range(AGENTS)]
    for turn in range(runs * MOST_TURNS_A_RUN):
        if turn % LOOK_EVERY == 0:
            alive = await world.alive()
            if world.runs < runs:
                await world.enqueue(at_once - alive)
            elif not alive:
                break
        if world.is_idle or rng.random() < TICK_SHARE:
            await world.tick()
        else:
            await anext(rng.choice(lives))
    for life in lives:
        await life.aclose()


async def _judged(world: World, seed: int) -> Outcome:
    facts, ends = await world.facts(), await world.jobs()
    seen, numbers = world.seen, world.numbers
    problems = [f"false green: {text}" for text in seen.false_greens]
    if not facts["accepted"] == facts["standing"] == len(numbers):
        problems.append(
            f"lost: of {len(numbers)} accepted {facts['accepted']} are known, {facts['standing']} stand somewhere"
        )
    if not facts["completed"] == facts["completions"] == facts["told"]:
        problems.append(
            f"double: {facts['completed']} completed, {facts['completions']} attempts did, {facts['told']} are told"
        )
    for row in ends:
        number, accepted = numbers[row["id"]], seen.accepted.get(row["id"])
        is_completed = row["state"] == "completed"
        if accepted is not None and not (is_completed and row["epoch"] == accepted):
            problems.append(f"an accepted completion is gone: job {number}")
        if is_completed and (row["verified"] != "artifact" or accepted is None):
            problems.append(f"completed without evidence, or by nobody: job {number}")
        if row["state"] in ("pending", "running"):
            problems.append(f"left {row['state']}: job {number}")
    still = [row["id"] for row in ends if row["state"] in STANDING_STILL]
    classified = [job for job in still if await world.is_classified(job)]
    if len(classified) < CLASSIFIED_SHARE * len(still):
        problems.append(f"unexplained: of {len(still)} that stand still {len(classified)} are classified")
    states = Counter(f"{row['state']} {row['state_reason'] or ''}".strip() for row in ends)
    trace = hashlib.sha256("\n".join(seen.trace).encode()).hexdigest()
    answers = dict(sorted(seen.answers.items()))
    return Outcome(
        seed, len(numbers), world.runs, dict(states), answers, problems, trace, len(still), len(classified)
    )
