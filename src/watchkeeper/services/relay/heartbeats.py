"""`supervise`: whole heartbeats of a foreign helper, one after the other, until it is stopped."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from watchkeeper.agents.command import SHELL, command_of
from watchkeeper.agents.user import agent_user
from watchkeeper.agents.workspace import SYSTEM_PLACE, Workspaces
from watchkeeper.domain.guarded_commands import GuardedCommands
from watchkeeper.domain.heartbeat import Heartbeat, handed_back
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import Answer, Asked, Call, Command, Ending, Verdict, Why, Worked
from watchkeeper.logs import log
from watchkeeper.services.relay.agent_attempts import AgentAttempts
from watchkeeper.services.relay.agent_work import AgentWork
from watchkeeper.services.relay.foreign_metrics import tell_metrics
from watchkeeper.services.relay.guard import Guard, Guarded, artifacts_json
from watchkeeper.services.relay.guarded import HelperGuard, hear_server, parts_of
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.job_work import JobWork
from watchkeeper.services.relay.outbox import Completion
from watchkeeper.services.relay.publishing import published
from watchkeeper.services.relay.reports import Reports
from watchkeeper.services.relay.served_agent import AgentOrder, ServedAgent, served
from watchkeeper.services.relay.told_sessions import told_sessions
from watchkeeper.services.relay.work_place import WorkPlace

STOPPED_EXIT = 3
SEND_SECONDS = 1.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WELL = frozenset({Verdict.COMPLETED, Verdict.NO_JOB, Verdict.WATCHED, Verdict.QUEUED})
_MESSAGES = {"reading_context": "reading the context", "building_artifact": "building the artifact"}


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """How to work. `work` is a shell command; with `from_payload` a job's own payload names it; with `agent` a session
    of that does a job; with none of them the helper is only watched. `once` ends after one heartbeat; `resumes` is a
    person's word that a stop is over.
    """

    guard: HelperGuard
    work: str | None = None
    from_payload: bool = False
    once: bool = False
    resumes: bool = False
    agent_user: str | None = None
    artifact_limit_bytes: int = 256 * 1024 * 1024
    system_place: Path = SYSTEM_PLACE
    agent: AgentOrder | None = None

    @property
    def works(self) -> bool:
        return self.work is not None or self.from_payload or self.agent is not None

    def command(self, held: HeldJob) -> Sequence[str]:
        """Give what does a job; raises UsageError where its payload names nothing."""
        return [SHELL, "-c", self.work] if self.work is not None else command_of(held.record.get("payload"))


async def supervise_helper(order: Supervision) -> int:
    """Run heartbeats until SIGTERM, SIGINT or SIGHUP; give 0, or 3 where a stop condition ended it.

    With `once` give 0 for a heartbeat that went well, 3 for one that did not. Raises what `relay` raises.
    """
    order.guard.check_program()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        with parts_of(order.guard) as (means, reports):
            workspaces = Workspaces(order.guard.home, agent_user(order.agent_user), order.system_place)
            with (
                told_sessions(order.guard, reports) as told,
                served(order.agent, means.place.directory, workspaces, told) as agent,
            ):
                return await _Supervisor(order, means, reports, workspaces, agent).run(stopping)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


class _Supervisor:
    def __init__(
        self,
        order: Supervision,
        means: Guarded,
        reports: Reports,
        workspaces: Workspaces,
        agent: ServedAgent | None,
    ) -> None:
        self._order = order
        self._means = means
        self._reports = reports
        self._workspaces = workspaces
        self._agent = agent
        self._attempts = AgentAttempts(means.place, workspaces)
        self._guard: Guard | None = None

    async def run(self, stopping: asyncio.Event) -> int:
        sending = asyncio.create_task(self._send(), name="reports")
        try:
            return await self._heartbeats(stopping)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self._reports.deliver(self._order.guard.report_seconds)
            await self._reports.close()

    async def _heartbeats(self, stopping: asyncio.Event) -> int:
        while not stopping.is_set():
            ending = await self._until_stopped(stopping)
            if ending is None:
                await self._hand_back()
                break
            if ending.verdict is Verdict.STOPPED:
                return STOPPED_EXIT
            if self._order.once:
                return 0 if ending.verdict in _WELL else STOPPED_EXIT
            await _wait(stopping, self._means.config.heartbeat_seconds)
        return 0

    async def _send(self) -> None:
        """Send reports while heartbeats go on: our server knows of a job while it is worked on."""
        while True:
            await self._reports.deliver(self._order.guard.report_seconds)
            await asyncio.sleep(SEND_SECONDS)

    async def _until_stopped(self, stopping: asyncio.Event) -> Ending | None:
        """Play a heartbeat; a signal ends it where it is, with all that it started."""
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        try:
            await asyncio.wait([beating, stop], return_when=asyncio.FIRST_COMPLETED)
            return await beating if beating.done() else None
        finally:
            for task in (beating, stop):
                task.cancel()
            await asyncio.gather(beating, stop, return_exceptions=True)

    async def _hand_back(self) -> None:
        """Give back the job that a stop took its agent from: else it is nobody's until its lease has run out."""
        guard = self._guard
        if self._agent is None or guard is None or guard.held is None or guard.memory.job != guard.held.id:
            return
        ending = await guard.play(handed_back(GuardedCommands(guard.memory), guard.held.id))
        if ending is not None:
            self._means.telling.ended(ending, guard.held, None)

    async def _beat(self) -> Ending:
        self._guard = None
        memory = self._means.place.memory()
        if self._order.resumes:
            memory.resume()
        await hear_server(self._means, self._reports, memory, self._order.guard.report_seconds)
        held = await asyncio.to_thread(self._held, memory)
        guard = self._guard = Guard(self._means, _WorkDesk(self._means, self._work(held)), memory, held)
        config = self._means.config
        heartbeat = Heartbeat(
            memory,
            works=self._order.works and not self._is_parked(memory),
            held=None if held is None else held.as_claimed(),
            no_job_limit=config.no_job_heartbeats,
            silent_limit=config.silent_heartbeats,
        )
        ending = await guard.play(heartbeat.run())
        self._means.telling.ended(ending, guard.held, guard.primary_url)
        self._means.telling.beat(guard.held, "ok" if ending.verdict in _WELL else ending.verdict.value)
        await tell_metrics(self._means.calls, self._means.telling)
        log("heartbeat_ended", verdict=ending.verdict.value, detail=ending.detail)
        return ending

    def _held(self, memory: Memory) -> HeldJob | None:
        """Give the job whose heartbeat was cut off by its program's death, to be gone on with; end all else that lives.

        An agent of it may be at work still: it is adopted, else its thread is resumed.
        """
        kept = self._means.place.record("job")
        held = None if kept is None or self._agent is None else HeldJob.from_json(kept, self._means.config)
        if held is None or memory.job != held.id or self._attempts.of(held) is None:
            held = None
        self._attempts.end_others(held)
        self._attempts.forget_old()
        return held

    def _is_parked(self, memory: Memory) -> bool:
        """Say whether the agent's provider serves it no sooner than later: nothing is claimed meanwhile."""
        if self._agent is None or memory.parked_until <= time.time():
            return False
        log("agent_parked", until=datetime.fromtimestamp(memory.parked_until, UTC).isoformat())
        return True

    def _work(self, held: HeldJob | None) -> JobWork | AgentWork:
        order, means = self._order, self._means
        limit = order.artifact_limit_bytes
        if self._agent is not None:
            work = AgentWork(means, self._agent, self._attempts, limit)
            if held is not None:
                work.begin(held)
            return work
        places = WorkPlace(means.place, self._workspaces)
        return JobWork(places, order.command, means.redactor, means.config.work_seconds, limit)


class _WorkDesk:
    """A job done in a workspace, by a command or an agent; what it hands in is handed over."""

    def __init__(self, means: Guarded, work: JobWork | AgentWork) -> None:
        self._means = means
        self._work = work

    def arguments(self, call: Call, held: HeldJob | None) -> list[str]:
        if held is None or call.command in (Command.DOCTOR, Command.TOUCH, Command.CLAIM):
            return []
        if (asked := self._work.arguments(call, held)) is not None:
            return asked
        match call.command:
            case Command.PROGRESS:
                phase = call.phase or ("progress" if call.why is Why.RENEWAL else "build")
                return [held.id, _MESSAGES.get(phase, "still at work"), phase]
            case Command.UPLOAD:
                target = held.deliverable_id if self._means.config.upload_id == "deliverable" else held.id
                return [
                    target or held.id,
                    *(str(self._work.workspace / file.path) for file in self._work.files),
                ]
            case Command.COMPLETE:
                return self.completion(held).arguments
        return [held.id]

    def completion(self, held: HeldJob) -> Completion:
        summary = self._work.summary or f"{held.kind or 'the job'} is done"
        return Completion(held.id, summary, artifacts_json(held), held.kind, held.attempt_id)

    async def work(self, held: HeldJob) -> Worked | Asked | None:
        return await self._work.look(held)

    def is_at_work(self) -> bool:
        return self._work.is_at_work()

    def answer(self, answer: Answer) -> bool:
        return self._work.answer(answer)

    async def stop_work(self) -> None:
        await self._work.stop()

    async def publish(self, held: HeldJob) -> bool:
        names = [file.path for file in self._work.files]
        found = await published(self._means.config, self._means.place, self._work.workspace, names)
        held.shared |= found
        if held.handover is not None:
            held.handover.share(found)
        return bool(found)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
