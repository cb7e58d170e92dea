"""The drill that kills a database: a scratch server of its own, never the one of the installation."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter

from watchkeeper.app.whole import App, running
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.interfaces.cli.drills.stage import LOOK_SECONDS, DrillFailed, Stage
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find
from watchkeeper.storage.embedded import EmbeddedServer
from watchkeeper.storage.jobs import Completion, HeldLease

PROJECT, KIND, WORKER, ACTOR = "drill", "drill", "drill-worker", "worker:drill-worker"
JOBS, AT_ONCE, KILLED_AFTER = 40, 5, 10
LEASE_SECONDS = 2
LIMIT_SECONDS = 60.0


def killed_database(stage: Stage) -> None:
    """A scratch database is killed in mid-work: it comes back by itself, nothing is lost, nothing is done twice."""
    stage.scratch.chmod(0o711)  # the server may run as a system user of its own
    server = EmbeddedServer(
        stage.scratch / "database",
        binaries=find(Settings.read().postgres_bin),
        state_root=stage.scratch / "state",
        linger_seconds=1.0,
    )
    with server.user(stop_when_last=True):
        settings = Settings(home=stage.scratch / "home", database_url=server.start())
        asyncio.run(_played(stage, server, settings))


async def _played(stage: Stage, server: EmbeddedServer, settings: Settings) -> None:
    async with running(settings) as app:
        await app.kinds.ensure_project(PROJECT)
        kind = {"name": KIND, "lease_seconds": LEASE_SECONDS, "on_lost": "requeue"}
        await app.kinds.declare(PROJECT, KindDeclaration.parse(kind), actor=ACTOR)
        requests = [JobRequest(KIND, {"n": number}) for number in range(JOBS)]
        accepted = [job.id for job in await app.queue.enqueue(PROJECT, requests, actor=ACTOR)]
        stage.show("jobs were accepted", {"jobs": len(accepted)})
        before = server.status().pid
        await _worked(app, server)
        after = server.status().pid
        pids = {"killed": before, "running": after}
        stage.demand(None not in (before, after) and before != after, "it was killed, and came back", pids)
        ends = [await app.insights.job(PROJECT, job) for job in accepted]
    states = Counter(row["state"] for row in ends)
    stage.demand(states == {"completed": JOBS}, "nothing is lost", dict(states))
    done = Counter(sum(one["outcome"] == "completed" for one in row["attempts"]) for row in ends)
    stage.demand(done == {1: JOBS}, "nothing is done twice", {"completed once": done[1]})


async def _worked(app: App, server: EmbeddedServer) -> None:
    """Claim and complete until nothing is left; on the way the postmaster is killed while jobs are in hand."""
    deadline, completed, is_killed = time.monotonic() + LIMIT_SECONDS, 0, False
    in_hand: list[HeldLease] = []
    while in_hand or not is_killed or await _is_anything_left(app):
        if time.monotonic() > deadline:
            raise DrillFailed(f"the jobs of a killed database were not done within {LIMIT_SECONDS:g} s")
        try:
            if not in_hand:
                await app.maintenance.keep_time()
                jobs = await app.queue.claim(PROJECT, WORKER, [KIND], limit=AT_ONCE, profile="runtime")
                in_hand = [HeldLease(job.seq, job.epoch, job.token_hash) for job in jobs]
            if in_hand and completed >= KILLED_AFTER and not is_killed:
                is_killed = _kill(server)
            # Who was refused holds the job no more: it comes again, to whoever claims it next.
            taken = await app.queue.complete(PROJECT, ACTOR, [Completion(lease) for lease in in_hand])
            completed, in_hand = completed + len(taken), []
        except DatabaseUnavailable:
            await asyncio.sleep(LOOK_SECONDS)


async def _is_anything_left(app: App) -> bool:
    try:
        rows, _ = await app.insights.jobs(PROJECT, limit=JOBS)
    except DatabaseUnavailable:
        return True
    is_left = any(row["state"] in ("pending", "running") for row in rows)
    if is_left:
        await asyncio.sleep(LOOK_SECONDS)
    return is_left


def _kill(server: EmbeddedServer) -> bool:
    pid = server.status().pid
    if pid is None:
        raise DrillFailed("the drill's own database did not run")
    os.kill(pid, signal.SIGKILL)
    return True
