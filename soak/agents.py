"""Simulated agents: each is a generator that gives way between its steps, so that others come in between.

What an agent does, and what befalls it, comes from the simulation's one random source.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from soak.works import Work, chosen
from soak.world import ACTOR, KIND, PROJECT, World
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.contract import Failure
from watchkeeper.services.holding import Caller

FATES: dict[str, float] = {
    "none": 30,
    "dies after its claim": 4,
    "dies after its upload": 4,
    "never hears of its claim": 3,
    "sleeps past its lease": 6,
    "sends complete twice": 8,
    "loses its connections": 5,
    "fails": 5,
    "releases": 4,
    "breaks down": 3,
    "is cancelled": 3,
    "is paused": 3,
    "has its file swapped": 4,
    "has its file removed": 3,
}
"""What befalls a run, with its weight."""

ASLEEP_STEPS = 12
"""Turns for which a sleeper gives way: its lease is over by then, and the job is mostly another's."""


class Agent:
    """One worker; it claims, works, hands in, and claims again."""

    def __init__(self, world: World, name: str, rng: random.Random, scratch: Path) -> None:
        self._world = world
        self._name = name
        self._deaths = 0
        self._stored: list[str] = []
        self._rng = rng
        self._scratch = scratch

    async def lives(self) -> AsyncGenerator[None, None]:
        """Work until nobody asks for the next step."""
        while True:
            job = await self._claimed()
            yield
            if job is None:
                continue
            number = self._world.numbers[job.id]
            fate = self._rng.choices(list(FATES), list(FATES.values()))[0]
            work = chosen(self._rng, number)
            self._world.note(f"{self._name} {number} {job.epoch} {work.name}: {fate}")
            caller = self._world.caller(str(job.token))
            async for _ in self._attempt(job, caller, work, fate):
                yield

    async def _claimed(self) -> ClaimedJob | None:
        found = await self._tried(
            "claim", self._world.app.claims.claim(PROJECT, ClaimAsked(f"{self._name}.{self._deaths}", [KIND]))
        )
        if found is None:
            self._deaths += self._world.seen.last == "worker_stopped"
            return None
        for job in found["jobs"]:
            self._world.runs += not job.redelivered
            return job
        self._world.is_idle = True
        return None

    async def _attempt(
        self, job: ClaimedJob, caller: Caller, work: Work, fate: str
    ) -> AsyncGenerator[None, None]:
        contract = self._world.app.contract
        if fate in ("never hears of its claim", "dies after its claim"):
            # Who never heard asks again, and gets the same; who died comes back under another name.
            self._deaths += fate.startswith("dies")
            return
        await self._tried(
            "progress", contract.progress(caller, job.id, "reading", "reading_context", {"work": work.name})
        )
        yield
        ids = await self._uploaded(job, caller, work)
        yield
        match fate:
            case "dies after its upload":
                self._deaths += 1
                return
            case "sleeps past its lease":
                for _ in range(ASLEEP_STEPS):
                    yield
            case "loses its connections":
                await self._world.cut_connections()
            case "fails" | "releases" | "breaks down":
                await self._ends(job, caller, fate)
                return
            case "is cancelled" | "is paused":
                act = "cancel" if fate == "is cancelled" else "pause"
                await self._tried(
                    act,
                    self._world.app.operations.move(
                        PROJECT, job.id, act, actor=ACTOR, reason="the simulation says so", force=True
                    ),
                )
            case "has its file swapped" | "has its file removed":
                work = self._tampered(work, fate)
        if ids is not None:
            for _ in range(2 if fate == "sends complete twice" else 1):
                await self._complete(job, caller, work, ids)
                yield

    async def _uploaded(self, job: ClaimedJob, caller: Caller, work: Work) -> dict[str, str] | None:
        files = []
        for name, content in work.files.items():
            path = self._scratch / name
            path.write_bytes(content)
            files.append((name, path))
        if not files:
            return {}
        answer = await self._tried("upload", self._world.app.contract.upload(caller, job.id, files))
        if answer is None:
            return None
        self._stored = [artifact["sha256"] for artifact in answer["artifacts"]]
        return {
            name: str(artifact["id"]) for name, artifact in zip(work.files, answer["artifacts"], strict=True)
        }

    def _tampered(self, work: Work, fate: str) -> Work:
        """Change the stored bytes behind the product's back: from here on nothing of them is true."""
        for blob in self._world.blobs(self._stored) if work.files else ():
            blob.chmod(0o600)
            if fate == "has its file removed":
                blob.unlink()
            else:
                blob.write_bytes(b"<h1>Something else</h1>")
        return Work(work.name, is_good=work.is_good and not work.files, files=work.files, claims=work.claims)

    async def _ends(self, job: ClaimedJob, caller: Caller, fate: str) -> None:
        causes = {
            "fails": AttemptCause.AGENT_ERROR,
            "releases": AttemptCause.OPERATOR,
            "breaks down": AttemptCause.INFRASTRUCTURE,
        }
        failure = Failure("fail", f"it {fate}", causes[fate])
        await self._tried("end", self._world.app.contract.end(caller, job.id, failure))

    async def _complete(self, job: ClaimedJob, caller: Caller, work: Work, ids: dict[str, str]) -> None:
        answer = await self._tried(
            "complete", self._world.app.checking.complete(caller, job.id, "done", work.claims(ids))
        )
        if answer is None:
            return
        seen, number = self._world.seen, self._world.numbers[job.id]
        is_green = answer["status"] == "completed"
        if is_green and (not work.is_good or seen.accepted.setdefault(job.id, job.epoch) != job.epoch):
            seen.false_greens.append(f"job {number}, epoch {job.epoch}: {work.name}")

    async def _tried(self, what: str, call: Any) -> Any:
        """Await a call; an error of the product's is an answer, anything else ends the simulation."""
        try:
            answer = await call
        except WatchkeeperError as error:
            self._world.seen.last = error.code
            self._world.seen.answers[f"{what}: {error.code}"] += 1
            return None
        self._world.seen.answers[f"{what}: ok"] += 1
        return answer
