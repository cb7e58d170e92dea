"""Performs the decisions of a heartbeat: runs commands, waits, looks, keeps, and reports each thing that happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from watchkeeper.domain.handover import Handover
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    AddMissing,
    Answer,
    Asked,
    Call,
    Check,
    Command,
    GoOn,
    Happened,
    KeepCompletion,
    LateAnswer,
    Lease,
    LeaseStanding,
    NextKept,
    Pause,
    Play,
    Propose,
    Publish,
    Settle,
    Step,
    SwitchToShared,
    Tell,
    Why,
    Work,
    Worked,
)
from watchkeeper.domain.helper_answers import HelperAnswers, HelperRun, Outcome, Reply
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.relay.calls import HelperCalls, RunningCall
from watchkeeper.services.relay.checking import OutsideGate
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.outbox import Completion, CompletionOutbox
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.relay.telling import Telling

_T = TypeVar("_T")


class Desk(Protocol):
    """What differs between a relayed command and a whole heartbeat: where arguments and artifacts come from."""

    def arguments(self, call: Call, held: HeldJob | None) -> list[str]: ...
    def completion(self, held: HeldJob) -> Completion: ...
    async def work(self, held: HeldJob, /) -> Worked | Asked | None: ...
    def is_at_work(self) -> bool: ...
    def answer(self, answer: Answer, /) -> bool: ...
    async def stop_work(self) -> None: ...
    async def publish(self, held: HeldJob, /) -> bool: ...


@dataclass
class Guarded:
    """What one heartbeat or relayed command works with."""

    config: HelperConfig
    place: HelperPlace
    calls: HelperCalls
    gate: OutsideGate
    redactor: Redactor
    telling: Telling
    worker_id: str


class Guard:
    """Plays decisions for one desk. `memory` and `held` are written down after each step that changes them."""

    def __init__(self, means: Guarded, desk: Desk, memory: Memory, held: HeldJob | None = None) -> None:
        self._means = means
        self._desk = desk
        self._answers = HelperAnswers(means.config)
        self._outbox = CompletionOutbox(means.place)
        self._running: RunningCall | None = None
        self._call: Call | None = None
        self._works = False
        self._first_claim: RunningCall | None = None
        self.memory = memory
        self.held = held
        self.runs: list[tuple[Call, HelperRun, Reply]] = []
        self.primary_url: str | None = None

    async def play(self, play: Play[_T]) -> _T:
        """Perform a play to its end; whatever happens, nothing that was started is left running."""
        happened: Happened = None
        try:
            while True:
                try:
                    step = play.send(happened)
                except StopIteration as end:
                    value: _T = end.value
                    return value
                happened = await self._perform(step)
                self._write_down()
        finally:
            self._write_down()
            await asyncio.shield(self._end())

    async def _perform(self, step: Step) -> Happened:
        match step:
            case Call():
                return await self._run(step)
            case GoOn():
                return await (self._worked() if self._works else self._finished())
            case Pause():
                await asyncio.sleep(self._means.config.retry_pause_seconds)
                return None
            case LateAnswer():
                return self._late()
            case Lease():
                return self._job.lease.standing(_now())
            case Work():
                self._works = True
                return await self._worked()
            case Answer():
                return self._desk.answer(step)
            case Publish() | Check() | SwitchToShared() | AddMissing():
                return await self._of_artifacts(step)
            case _:
                return self._noted(step)

    async def _of_artifacts(self, step: Publish | Check | SwitchToShared | AddMissing) -> Happened:
        match step:
            case Publish(reason=reason):
                self._means.telling.skipped_upload(self._job, reason)
                return await self._desk.publish(self._job)
            case Check():
                return await self._check()
            case SwitchToShared():
                return self._handover.switch_to_shared()
            case AddMissing(kinds=kinds):
                return await self._add(kinds)

    def _noted(self, step: KeepCompletion | NextKept | Settle | Propose | Tell) -> Happened:
        if isinstance(step, NextKept):
            return self._outbox.take_up()
        match step:
            case KeepCompletion():
                self._outbox.keep(self._desk.completion(self._job))
            case Settle(is_completed=is_completed):
                self._settle(is_completed)
            case Propose(heartbeats=heartbeats):
                self._means.telling.propose(heartbeats)
            case Tell():
                self._means.telling.tell(step, self.held)
        return None

    async def _run(self, call: Call) -> Happened:
        arguments = self._outbox.arguments(call) or self._desk.arguments(call, self.held)
        working, self._call = self._running, call
        running = await self._means.calls.start(call.command, arguments)
        if call.command is Command.CLAIM and call.why is Why.TURN:
            self._first_claim = running
        if working is None:
            self._running = running
            return await self._finished()
        # A progress heartbeat beside an upload that goes on.
        run = await running.wait()
        return self._understood(call, run) if run is not None else None

    async def _finished(self) -> Happened:
        """Wait for the call that runs; for its end, or the lease's where it asks for that."""
        call, running = self._call, self._running
        if call is None or running is None:
            raise RuntimeError("no call runs that could be waited for")
        watches = call.watches_lease or running.command == Command.UPLOAD
        run = await running.wait(self._is_renewal_due if watches else lambda: False)
        if run is None:
            return LeaseStanding.NEAR
        self._running = None
        return self._understood(replace(call, command=Command(running.command)), run)

    def _understood(self, call: Call, run: HelperRun) -> Reply:
        reply = self._answers.read(run)
        shown = self._means.telling.shown(run, self._answers)
        redactor = self._means.redactor
        complaint = redactor.redact(reply.complaint)
        reply = replace(reply, exposes_secret=redactor.suspects(shown), complaint=complaint)
        self.runs.append((call, run, reply))
        self._learn(call, run, reply)
        self._means.telling.ran(call, run, reply, shown, self.held)
        return reply

    def _learn(self, call: Call, run: HelperRun, reply: Reply) -> None:
        """Take in what an answer tells of the job."""
        if call.command is Command.CLAIM:
            if reply.handed_out and self.held is None:
                self.held = HeldJob.of(reply.handed_out[0], self._means.config, run.stdout)
                self._means.telling.claimed(self.held)
        elif self.held is not None and reply.is_ok and call.why is not Why.KEPT:
            if call.command in (Command.CONTEXT, Command.PROGRESS, Command.UPLOAD):
                self.held.learn(reply, self._answers.value(reply.answer, "contract"))
            if call.command is Command.UPLOAD:
                self.held.shared |= shared_addresses(self._answers.value(reply.answer, "artifacts"))
                if self.held.handover is not None:
                    self.held.handover.share(self.held.shared)

    def _late(self) -> Reply | None:
        if self._first_claim is None:
            return None
        run = self._first_claim.result()
        reply = self._answers.read(replace(run, was_ended=True))
        if not reply.handed_out:
            return None
        return self._understood(Call(Command.CLAIM), run) if reply.outcome is not Outcome.SILENT else None

    async def _worked(self) -> Happened:
        while True:
            worked = await self._desk.work(self._job)
            if worked is not None:
                self._works = isinstance(worked, Asked)
                return worked
            if self._is_renewal_due() and self._desk.is_at_work():
                return LeaseStanding.NEAR

    async def _check(self) -> Happened:
        self.held = self._job
        self.held.handover = self._handover
        look = await self._means.gate.primary(self.held.handover, self.held.contract)
        self.primary_url = look.primary_url
        self._means.telling.checked(self.held, look)
        return look.checked

    async def _add(self, kinds: Sequence[str]) -> bool:
        """Add one passing artifact of each kind; leave all as it was where one has none."""
        found = [await self._means.gate.passing(self._handover.candidates(kind)) for kind in kinds]
        if None in found:
            return False
        for entry in found:
            if entry is not None:
                self._handover.add(entry)
        return True

    def _settle(self, is_completed: bool) -> None:
        completion = self._outbox.settle(is_completed)
        if completion is not None:
            self._means.telling.delivered(completion, is_completed)

    def _is_renewal_due(self) -> bool:
        return self.held is not None and self.held.lease.is_due(_now())

    @property
    def _job(self) -> HeldJob:
        if self.held is None:
            raise RuntimeError("no job is held")
        return self.held

    @property
    def _handover(self) -> Handover:
        held = self._job
        if held.handover is None:
            raise RuntimeError("nothing is handed over yet")
        return held.handover

    def _write_down(self) -> None:
        place = self._means.place
        place.keep_memory(self.memory)
        if self.held is not None and self.memory.job == self.held.id:
            place.keep("job", self.held.to_json())
        elif self.memory.job is None:
            place.forget("job")

    async def _end(self) -> None:
        if self._running is not None:
            await self._running.end()
        await self._desk.stop_work()


def shared_addresses(artifacts: Any) -> dict[str, str]:
    """Read an upload's answer: addresses that open, by the names of the files."""
    found = {}
    for one in artifacts if isinstance(artifacts, list) else ():
        if isinstance(one, dict):
            name = one.get("name") or one.get("path") or one.get("file") or one.get("title")
            url = one.get("url") or one.get("href")
            if isinstance(url, str) and url.startswith(("http://", "https://")):
                found[str(name or url.rpartition("/")[2])] = url
    return found


def _now() -> datetime:
    return datetime.now(UTC)


def artifacts_json(held: HeldJob) -> str:
    """Give ARTIFACTS_JSON as it stands now."""
    entries = [] if held.handover is None else held.handover.entries
    return json.dumps(entries, ensure_ascii=False)
