"""Many agent sessions at once, one of them killed every second: no job is lost, none done twice, no process left."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import commands
from bench.crew import running as process_running
from soak.places import Place
from watchkeeper.app.whole import App, running
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Role
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings

PROJECT, KIND = "crowd", "session"
SESSIONS = 50
WORK_SECONDS = 8
PATIENCE_SECONDS = 240.0
FAKE = Path(__file__).with_name("fake_codex.py")
SETTLED = frozenset({"completed", "stuck", "failed"})
KILLS_SURVIVED = 3
"""So often an agent of one job is begun again (`restarts_most`); only one that was killed more often may be stuck."""


@dataclass(slots=True)
class Crowd:
    """What came of it; `kills` by job. One that was killed too often is stuck for a person: that is no loss."""

    sessions: int
    kills: Counter[str] = field(default_factory=Counter)
    states: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


async def crowd(place: Place, seconds: float, sessions: int = SESSIONS) -> Crowd:
    """Keep so many sessions of a scripted Codex busy for so long, kill one each second, then count."""
    found = Crowd(sessions)
    bin_directory, diary = place.scratch / "bin", place.scratch / "diary"
    for directory in (bin_directory, diary):
        directory.mkdir()
    diary.chmod(0o777)  # agents run as another user where we are root
    program = bin_directory / "codex"
    program.write_text(f"#!/usr/bin/env python3\n{FAKE.read_text()}")
    program.chmod(0o755)
    surroundings = commands.environment(
        place.scratch / "home",
        commands.free_port(),
        WATCHKEEPER_DATABASE_URL=place.url,
        WATCHKEEPER_LOG_LEVEL="error",
    )
    surroundings["PATH"] = f"{bin_directory}:{surroundings['PATH']}"
    settings = Settings(home=place.scratch / "home", database_url=place.url)
    async with running(settings) as app:
        token = await _prepared(app)
        with ExitStack() as stack:
            stack.enter_context(commands.ready("serve", surroundings))
            worker = [*commands.PROGRAM, "work", "--agent", "codex", "--slots", str(sessions)]
            worker += ["--agent-env", "CROWD_DIARY", "--", "--sandbox", "danger-full-access"]
            mine = {**surroundings, "WATCHKEEPER_TOKEN": token, "CROWD_DIARY": str(diary)}
            stack.enter_context(process_running(worker, mine, quiet=True))
            await _kill_for(app, found, diary, seconds, sessions)
            await _settled(app)
            found.states = await _states(app)
            judge(found, diary, await _completions(app), await _stuck(app))
        found.problems += [f"process {pid} was left" for pid in _left(diary)]
    return found


async def _prepared(app: App) -> str:
    await app.kinds.ensure_project(PROJECT)
    kind = {"name": KIND, "on_lost": "requeue", "max_lost_leases": 50, "max_attempts": 20}
    await app.kinds.declare(PROJECT, KindDeclaration.parse(kind), actor="soak")
    return (await app.identity.create_token("crowd", Role.WORKER, PROJECT, actor="soak")).secret


async def _kill_for(app: App, found: Crowd, diary: Path, seconds: float, sessions: int) -> None:
    """Enqueue as the sessions need jobs, and kill one of the living agents each second."""
    begun = time.monotonic()
    await _enqueue(app, 2 * sessions)
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(1.0)
        alive = list(_agents(diary))
        if alive:
            pid, job = random.choice(alive)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it ended by itself since it was seen
            found.kills[job] += 1
        waiting = (await _states(app)).get("pending", 0)
        if waiting < sessions:
            await _enqueue(app, sessions)


async def _enqueue(app: App, count: int) -> None:
    prompt = {"prompt": f"Work for {WORK_SECONDS} seconds."}
    await app.queue.enqueue(PROJECT, [JobRequest(KIND, prompt) for _ in range(count)], actor="soak")


async def _settled(app: App) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while set(await _states(app)) - SETTLED and time.monotonic() < deadline:  # noqa: ASYNC110 - polled
        await asyncio.sleep(1.0)


async def _states(app: App) -> dict[str, int]:
    rows = await _rows(
        app, "SELECT state, count(*) AS n FROM watchkeeper.jobs WHERE project_id = %s GROUP BY state"
    )
    return {str(row["state"]): int(row["n"]) for row in rows}


async def _completions(app: App) -> dict[str, int]:
    """Give how many attempts of each job completed it."""
    rows = await _rows(
        app,
        "SELECT s.id, count(*) FILTER (WHERE a.outcome = 'completed') AS n FROM watchkeeper.job_specs s"
        " LEFT JOIN watchkeeper.closed_attempts a ON a.project_id = s.project_id AND a.seq = s.seq"
        " WHERE s.project_id = %s GROUP BY s.id",
    )
    return {str(row["id"]): int(row["n"]) for row in rows}


async def _stuck(app: App) -> dict[str, str]:
    """Give why each job that is stuck is so."""
    rows = await _rows(
        app, "SELECT id, state_reason FROM watchkeeper.jobs WHERE project_id = %s AND state = 'stuck'"
    )
    return {str(row["id"]): str(row["state_reason"]) for row in rows}


async def _rows(app: App, statement: str) -> list[dict[str, Any]]:
    async with app.database.transaction() as connection:
        cursor = await connection.execute(statement.encode(), [PROJECT])
        return [dict(row) for row in await cursor.fetchall()]


def judge(found: Crowd, diary: Path, completions: dict[str, int], stuck: dict[str, str]) -> None:
    """Add what is broken: as many jobs as sessions are completed at least, and none is stuck that was not killed so."""
    unsettled = {state: count for state, count in found.states.items() if state not in SETTLED}
    if unsettled:
        found.problems.append(f"jobs did not come to an end: {unsettled}")
    if failed := found.states.get("failed", 0):
        found.problems.append(f"{failed} jobs failed, which no agent did")
    if (count := found.states.get("completed", 0)) < found.sessions:
        found.problems.append(f"only {count} jobs were completed by {found.sessions} sessions")
    found.problems += [
        f"job {job} is stuck for {reason} after {found.kills[job]} kills"
        for job, reason in stuck.items()
        if reason != "crash_loop" or found.kills[job] <= KILLS_SURVIVED
    ]
    found.problems += [
        f"job {job} was completed {count} times" for job, count in completions.items() if count > 1
    ]
    done = {path.name.removeprefix("done-"): len(path.read_text()) for path in diary.glob("done-*")}
    completed = {job for job, count in completions.items() if count}
    found.problems += [f"job {job} is completed and was never done" for job in completed - set(done)]


def _agents(diary: Path) -> Iterator[tuple[int, str]]:
    """Give the agents that live, each with its job: each put down its own pid, which may be somebody else's by now."""
    for path in diary.glob("pid-*"):
        pid, job = int(path.name.removeprefix("pid-")), path.read_text()
        if job and _is_ours(pid, diary):
            yield pid, job


def _left(diary: Path) -> list[int]:
    """Give the processes that still have our diary in their environment."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and _is_ours(pid, diary)]


def _is_ours(pid: int, diary: Path) -> bool:
    try:
        started_with = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"CROWD_DIARY={diary}".encode() in started_with


def told(found: Crowd) -> str:
    """Say what came of it, in lines for a person."""
    lines = [f"sessions: {found.sessions} at once, {found.kills.total()} killed, jobs {found.states}"]
    lines += [f"  BROKEN {problem}" for problem in found.problems]
    return "\n".join(
        [*lines, "  0 lost, 0 double, 0 left" if not found.problems else "  promises were broken"]
    )
