"""One attempt at a job, from the claim to the report: workspace, turns of the agent, clocks, verdict, results."""

from __future__ import annotations

import asyncio
from typing import Any

from watchkeeper.agents.session import Session, Standing
from watchkeeper.agents.sweep import prove_gone
from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.course import Claimed, Course, Waiting
from watchkeeper.services.supervision.desk import Held
from watchkeeper.services.supervision.endings import (
    Command,
    Ending,
    Why,
    ending_of_unstarted,
    failed,
    released,
)
from watchkeeper.services.supervision.eyes import Eyes
from watchkeeper.services.supervision.following import HANGING_SECONDS, Following, Wanted, wait_for
from watchkeeper.services.supervision.kept_end import LINGER_SECONDS, KeptEnd
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.preparing import Preparing
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.renewals import LeaseHold
from watchkeeper.services.supervision.server_link import Json, Refused
from watchkeeper.services.supervision.starting import Starting
from watchkeeper.services.supervision.turns import TurnOrder, Turns

UNDELIVERED_SECONDS = 900.0
"""How long a lease is renewed for an end that cannot be told."""


class Attempt:
    """One attempt. `interrupt` may be called at any time; the first reason counts."""

    def __init__(self, means: Means, records: AttemptRecords, facts: dict[str, Any]) -> None:
        self._means = means
        self._records = records
        self._facts = facts
        self.job: Json = facts["job"]
        self.hold = LeaseHold(
            self.id,
            self.job["epoch"],
            facts["lease"],
            self.job["lease_seconds"],
            facts["sent_at"],
            self._lives,
            on_renewed=lambda: self._eyes.lease_renewed(),
        )
        known = Conversation.from_record(records.thread() or {}, means.adapter.name)
        preparing = Preparing(means, records, facts, known)
        self._course = Course(means, records, self.job, known, preparing.prompt)
        self._turns = Turns(means, records, facts, known)
        self._kept = KeptEnd(self.id, records)
        self._eyes = Eyes(means, records, facts, known, self._turns, self._kept)
        self._starting = Starting(
            means, preparing, self._turns, self.hold, self._cut_short, self._eyes.contract_session
        )
        self._session: Session | None = None
        self._following: Following | None = None
        self._why: Why | None = None
        self._detail = ""
        self._was_interrupted = asyncio.Event()
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self._lingers_until: float | None = None
        self.is_reporting = False
        self._is_checking = False
        self.was_given_up = False

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @property
    def epoch(self) -> int:
        return int(self.job["epoch"])

    @property
    def _held(self) -> Held:
        workspace = self._turns.workspace() if "workspace" in self._facts else None
        return Held(self.job, self._facts["lease"], workspace, self._facts)

    def _cut_short(self) -> Ending | None:
        """Give the end of an attempt that was interrupted while no agent ran."""
        return None if self._why is None else ending_of_unstarted(self._why, self._detail)

    async def run(self) -> None:
        """Do a job that was just claimed."""
        await self._see_through(await self._starting.first())

    async def go_on(self) -> None:
        """Go on with an attempt that another supervisor began and left."""
        if (end := self._records.end()) is not None:
            await self._conclude(Ending.from_record(end))
        elif not self._records.session.is_dir():
            await self._conclude(released("the worker was restarted before the agent was started"))
        else:
            session = Session.adopt(self._records.session)
            log("agent_session_adopted", job=self.id, standing=session.standing.value)
            self._turns.let_in(self._eyes.contract_session())
            await self._see_through(session)

    async def give_up(self, error: BaseException) -> None:
        """End an attempt that this program's own fault has cut short: nothing of it may stay."""
        self.was_given_up = True
        await asyncio.to_thread(prove_gone, self._records.session)
        text = f"the supervisor failed: {type(error).__name__}: {error}"
        await self._conclude(failed(text, AttemptCause.INFRASTRUCTURE))

    def interrupt(self, why: Why, detail: str) -> None:
        """End the session; safe to repeat and at any moment of the attempt."""
        if self._why is None:
            self._why, self._detail = why, detail
            self._was_interrupted.set()
            log("attempt_interrupted", job=self.id, why=why.value, detail=detail)
            if why is Why.UNCONFIRMED:
                self._eyes.lease_gone("expired")
        if self._session is not None:
            self._eyes.interrupted()
            self._session.interrupt(self._detail)

    def asked_to_interrupt(self, *, insists: bool, reason: str | None) -> None:
        """Interrupt the turn, to go on with its thread: as a person insists, or where it is not well indeed."""
        if self._following is not None:
            self._following.ask_to_end(Wanted(insists, reason))

    async def lease_is_gone(self) -> bool:
        """Take in that the server no longer knows the lease: the agent has ended its job, or it was taken away.

        False when that could not be found out: the next renewal tells it again.
        """
        if self._why is not None or (self.is_reporting and not self._is_checking):
            return True
        try:
            ended = await self._means.desk.how_it_ended(self._held)
        except (ServerUnreachable, Refused):
            return False
        if ended is None:
            # Our leases are fenced: whoever has it now got it after its end, so that this is no double.
            self._eyes.lease_gone("expired", "taken_over")
            self.interrupt(Why.LEASE_LOST, "the lease was lost: another worker may hold the job")
        else:
            self._ended_by_agent(ended)
        return True

    def _ended_by_agent(self, ended: str) -> None:
        log("agent_ended_its_job", job=self.id, status=ended)
        self._detail = f"the agent itself ended the job: {ended}"
        self._lingers_until = boot_clock() + LINGER_SECONDS

    def _lives(self) -> bool:
        """Say, in the renewing thread, whether there is something that the lease is for."""
        following = self._following
        if following is None or self.is_reporting:
            return boot_clock() < self._kept_until
        if following.session.standing is Standing.RUNNING and not following.agent_is_gone():
            self._kept_until = boot_clock() + HANGING_SECONDS
            return True
        return boot_clock() < self._kept_until

    async def _see_through(self, started: Session | Ending) -> None:
        """Follow the turns of the attempt to the last one's end, and report that."""
        while isinstance(started, Session):
            started = await self._after(await self._followed(started))
        await self._conclude(started)

    async def _followed(self, session: Session) -> Following | Ending:
        """Follow a turn until nothing of it is left."""
        self._session = session
        self._following = await asyncio.to_thread(self._eyes.on, session, self._look_at_clocks)
        if self._why is not None:
            session.interrupt(self._detail)
        report = await self._following.to_its_end()
        if not report.gone:
            log("processes_left", job=self.id, left=list(report.left), note=report.note)
            text = f"processes of the attempt could not be ended: {report.note or report.left}"
            return failed(text, AttemptCause.INFRASTRUCTURE)
        return self._following

    async def _after(self, followed: Following | Ending) -> Session | Ending:
        """Give the next turn's session, or the end."""
        if isinstance(followed, Ending):
            return followed
        if self._why is None:
            await self._ask_whether_over()
        if self._why is None and self._lingers_until is not None:
            self._why = Why.ENDED_BY_AGENT
        chosen = self._chosen(followed)
        if isinstance(chosen, Claimed):
            claimed = chosen.ending
            chosen = await self._gated(claimed)
            if isinstance(chosen, TurnOrder):
                return await self._starting.further(chosen, claimed)
        elif isinstance(chosen, Waiting):
            chosen = await self._waited(chosen)
        if isinstance(chosen, Ending):
            return chosen
        return await self._starting.further(chosen)

    def _chosen(self, followed: Following) -> Ending | Claimed | TurnOrder | Waiting:
        """Choose what comes after a turn: what its agent was promised to be told, or what was seen of it."""
        if (kept := self._kept.ending(self._why)) is not None:
            return Claimed(kept) if kept.command is Command.COMPLETE else kept
        tail = followed.seen.output.tail("stderr", 4000)
        return self._course.after(followed.over(), self._why, self._detail, tail)

    async def _ask_whether_over(self) -> None:
        """Take in that the agent has ended its job, before any turn more: its last renewal may be older than that."""
        if self._lingers_until is not None:
            return
        try:
            ended = await self._means.desk.how_it_ended(self._held)
        except (ServerUnreachable, Refused) as error:
            log("job_not_asked_for", job=self.id, detail=error.message)
            return
        if ended is not None and self._lingers_until is None:
            self._ended_by_agent(ended)

    async def _gated(self, claimed: Ending) -> Ending | TurnOrder:
        """Ask the gate about a success that is claimed: the failed checks are a further turn, while there are any."""
        if not (self._course.is_gated and self._course.has_rounds):
            return claimed
        checks = await self._failed_checks(claimed)
        await asyncio.to_thread(self._eyes.gate_answered, checks)
        if not checks or self._why is Why.LEASE_LOST:
            return claimed
        self._kept.forget()
        return self._cut_short() or self._course.gate_round(checks)

    async def _failed_checks(self, claimed: Ending) -> list[Json]:
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self.is_reporting = self._is_checking = True
        try:
            output = self._eyes.output()
            return await self._means.desk.failed_checks(self._records, self._held, claimed, output)
        finally:
            self.is_reporting = self._is_checking = False

    async def _waited(self, waiting: Waiting) -> Ending | TurnOrder:
        """Let a provider that cannot be reached alone for a while: lease, workspace and thread stay."""
        seconds = self._course.next_probe()
        log("session_parked", job=self.id, seconds=seconds, because=waiting.because)
        self._kept_until = boot_clock() + seconds + HANGING_SECONDS
        await wait_for(self._was_interrupted, seconds)
        return self._cut_short() or waiting.order

    def _look_at_clocks(self) -> None:
        minutes = self.job.get("progress_deadline_minutes")
        # As the server last told it: what the agent has done since then is not known here.
        still = self.hold.progress_age
        if self._lingers_until is not None:
            if boot_clock() >= self._lingers_until:
                self.interrupt(Why.ENDED_BY_AGENT, self._detail)
        elif self._kept.is_due and self._session is not None:
            # No reason is given: what the agent was promised is told, and the gate may ask for more.
            self._eyes.interrupted()
            self._session.interrupt("the agent has ended its job, and lives on")
        elif minutes is not None and still is not None and still > minutes * 60:
            text = f"no progress within {minutes:g} minutes: no progress command and no artifact"
            self.interrupt(Why.NO_PROGRESS, text)

    async def _conclude(self, ending: Ending) -> None:
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self.is_reporting = True
        self._turns.forget_token()
        self._eyes.over(self._course.failure)
        await self._means.desk.deliver(self._records, self._held, ending, self._eyes.output())
