"""Follows one turn of an agent to its end: what it says and does, what that means, and what is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from watchkeeper.agents.session import Session, Standing
from watchkeeper.agents.sweep import SweepReport, prove_gone
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.facts import (
    ClockJumped,
    Interrupted,
    ProcessesLeft,
    ProcessExited,
    ProcessStarted,
    SeenProcess,
)
from watchkeeper.host.clock import boot_clock
from watchkeeper.host.processes import ProcReader
from watchkeeper.logs import log
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.observing import Beside
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.steps import GiveUp, TurnOver
from watchkeeper.services.supervision.turn_watch import TurnWatch

LOOK_SECONDS = 1.0
"""How often the output and the clocks are looked at; the session's end wakes at once."""

UNREAD_SECONDS = 0.05
"""The same while more is written than one look takes in."""

CATCH_UP_SECONDS = 30.0
"""How long what was written before a turn was followed may take to be read; nothing is held of it meanwhile."""

AGENT_SECONDS = 10.0
"""How often the agent's process is looked for: its shim tells of its end at once, unless it hangs."""

HANGING_SECONDS = 60.0
"""How long a session may take to end after its agent; then its shim hangs, and is ended too."""

INTERRUPTING = frozenset(
    {Action.RETRY, Action.INTERRUPT_RESUME, Action.FRESH_SESSION, Action.ESCALATE, Action.KILL}
)
"""What is done about a live turn by ending it; all else is observed, or left to the agent itself."""

PARKED_IN_SESSION_SECONDS = 300.0
"""An agent that its provider refuses for no longer than this is left to wait by itself."""


class Wanted(NamedTuple):
    """An interruption that somebody asked for. Unless a person `insists`, a turn that is well is left alone."""

    insists: bool
    reason: str | None = None

    def because(self, held: Diagnosis) -> str:
        """Say why the turn is cut, as the agent is told: what is held of it, and what a person said."""
        asked = f"A person asked for it: {self.reason}" if self.reason else "A person asked for it."
        if held.failure is None:
            return asked
        return f"{held.because} {asked}" if self.reason else held.because


@dataclass(frozen=True)
class Seen:
    """The eyes on one turn. `watch` and `beside` are those of an agent that converses."""

    output: OutputWatch
    watch: TurnWatch | None = None
    beside: Beside | None = None


class Following:
    """One turn. `look_at_clocks` is called at every look, and may interrupt; `over_limit`, in a thread, where the agent
    converses: it names a limit of the job's that is passed. `limit_seconds`: how often that is asked where it does
    not.
    """

    def __init__(
        self,
        job: str,
        session: Session,
        seen: Seen,
        clock: SteadyClock,
        look_at_clocks: Callable[[], None],
        over_limit: Callable[[], GiveUp | None],
        limit_seconds: float | None = None,
    ) -> None:
        self._job = job
        self.session = session
        self.seen = seen
        self._clock = clock
        self._look_at_clocks = look_at_clocks
        self._over_limit = over_limit
        self._limit_seconds = limit_seconds
        self._reader = ProcReader()
        self._agent = session.agent
        self._next_look_at = 0.0
        self._next_agent_look_at = 0.0
        self._agent_seen_at = boot_clock()
        self._catch_up_until = boot_clock() + CATCH_UP_SECONDS
        self._asked: Wanted | None = None
        self.acted: Diagnosis | None = None
        self.stopped: GiveUp | None = None
        self.final: Diagnosis | None = None

    async def to_its_end(self) -> SweepReport:
        """Follow it until nothing of it is left, or that cannot be brought about; give what the sweep found."""
        await self._until_over()
        report = await self._gone()
        await asyncio.to_thread(self._finish, report)
        return report

    def ask_to_end(self, wanted: Wanted) -> None:
        """Have the turn looked at closely, and ended if it is not well, or if a person insists."""
        if self.seen.watch is not None and not (self._asked is not None and self._asked.insists):
            self._asked = wanted

    def agent_is_gone(self) -> bool:
        agent = self._agent = self._agent or self.session.agent
        return agent is not None and not self._reader.alive(agent)

    async def _until_over(self) -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        descriptor = self.session.fileno()
        if descriptor == -1:
            return
        loop.add_reader(descriptor, over.set)
        try:
            self._begin()
            while not over.is_set():
                pause = LOOK_SECONDS
                if self._is_due():
                    await asyncio.to_thread(self._look)
                    pause = UNREAD_SECONDS if self.seen.output.has_more else LOOK_SECONDS
                self._look_at_clocks()
                await wait_for(over, pause)
                if self._hangs():
                    await asyncio.to_thread(prove_gone, self.session.directory)
        finally:
            loop.remove_reader(descriptor)

    def _hangs(self) -> bool:
        """Say whether the agent has been gone for long, and its shim has not told."""
        now = boot_clock()
        if now < self._next_agent_look_at:
            return False
        self._next_agent_look_at = now + AGENT_SECONDS
        if not self.agent_is_gone():
            self._agent_seen_at = now
        return now - self._agent_seen_at > HANGING_SECONDS

    def _begin(self) -> None:
        if self.seen.watch is not None and (agent := self.session.agent) is not None:
            self.seen.watch.put(ProcessStarted(agent.pid))

    def _is_due(self) -> bool:
        """Say whether there is anything to look at: a quiet session must cost next to nothing."""
        seen = self.seen
        if self._asked is not None or seen.output.has_more or boot_clock() >= self._next_look_at:
            return True
        if seen.watch is None or seen.beside is None:
            return False
        return seen.watch.has_waiting or seen.beside.is_due

    def _look(self) -> None:
        seen = self.seen
        seen.output.look()
        if seen.watch is not None and (jumped := self._clock.jump()):
            seen.watch.put(ClockJumped(jumped))
        if seen.watch is None or seen.beside is None:
            self._hold_to_limits()
            return
        if seen.watch.is_behind:
            if seen.output.has_more and boot_clock() < self._catch_up_until:
                return
            seen.watch.caught_up()
        self._held(seen.watch.look(seen.beside.look()), seen.watch, seen.beside)

    def _held(self, held: Diagnosis, watch: TurnWatch, beside: Beside) -> None:
        """Act on what is held of the turn, after a closer look: the stream alone is never enough."""
        now = self._clock.now()
        wait = (held.next_at - now) if held.next_at is not None else 60.0
        self._next_look_at = boot_clock() + min(max(wait, 0.0), 60.0)
        if self.acted is not None or self.stopped is not None:
            return
        if (passed := self._over_limit()) is not None:
            watch.put(Interrupted())
            self._stop(passed)
        elif (wanted := self._asked) is not None:
            self._asked = None
            held = watch.look(beside.look_closely())
            if wanted.insists or held.failure is not None:
                self._act(replace(held, action=Action.INTERRUPT_RESUME, because=wanted.because(held)))
        elif self._is_to_end(held):
            held = watch.look(beside.look_closely())
            if self._is_to_end(held):
                self._act(held)

    def _hold_to_limits(self) -> None:
        """Hold what does not converse to its limits: nothing else is held of it."""
        self._next_look_at = float("inf")
        if self._limit_seconds is None or self.stopped is not None:
            return
        self._next_look_at = boot_clock() + self._limit_seconds
        if (passed := self._over_limit()) is not None:
            self._stop(passed)

    def _stop(self, passed: GiveUp) -> None:
        self.stopped = passed
        log("session_stopped", job=self._job, failure=passed.failure, because=passed.because)
        self.session.interrupt(passed.because)

    def _is_to_end(self, held: Diagnosis) -> bool:
        if held.failure is FailureClass.CONTROL_PLANE_FAILED and held.action is Action.RETRY:
            # Its calls do not come through: it lives, and makes them again itself.
            return False
        if held.action is Action.PARK and held.until is not None:
            return held.until - self._clock.now() > PARKED_IN_SESSION_SECONDS
        if held.action is Action.SWEEP:
            return held.failure is FailureClass.LIMBO_AFTER_RESULT
        return held.action in INTERRUPTING

    def _act(self, held: Diagnosis) -> None:
        self.acted = held
        failure = None if held.failure is None else held.failure.value
        log("session_healed", job=self._job, failure=failure, action=held.action.value, because=held.because)
        if self.seen.watch is not None:
            self.seen.watch.put(Interrupted())
        self.session.interrupt(held.because)

    async def _gone(self) -> SweepReport:
        """Give the proof that nothing of the session is left: the shim's, or our own where it has none."""
        report = self.session.swept()
        if self.session.standing is Standing.FINISHED and report is not None:
            self.session.close()
        else:
            report = await asyncio.to_thread(self.session.prove_gone)
        await asyncio.to_thread(self.session.remove_scope)
        return report

    def over(self) -> TurnOver:
        """Say how it ended, once it has."""
        watch = self.seen.watch
        return TurnOver(
            self.session.ended(),
            None if watch is None else watch.terminal,
            self.acted,
            self.final,
            None if watch is None else watch.limited_until,
            self.stopped,
        )

    def _finish(self, report: SweepReport) -> None:
        self.seen.output.finish()
        if self.seen.watch is None:
            return
        end = self.session.ended()
        self.seen.watch.put(ProcessExited() if end is None else ProcessExited(end.exit_code, end.signal))
        self.seen.watch.put(ProcessesLeft(tuple(_left(one) for one in report.left)))
        self.final = self.seen.watch.verdict()


def _left(one: dict[str, Any]) -> SeenProcess:
    return SeenProcess(int(one.get("pid", 0)), 0, "?", 0.0, str(one.get("name", "")))


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, so many seconds at most."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
