"""One attempt at a job, from the claim to the report: workspace, session, clocks, verdict, results."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from watchkeeper.agents.command import command_of, judge
from watchkeeper.agents.session import Session, SessionError, Standing
from watchkeeper.agents.sweep import SweepReport, prove_gone
from watchkeeper.domain.errors import ServerUnreachable, SettingError, UsageError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.known_values import secret_variables
from watchkeeper.domain.redaction import TAKEN_OUT
from watchkeeper.host.clock import boot_clock
from watchkeeper.host.processes import ProcReader
from watchkeeper.logs import log
from watchkeeper.services.known_secrets import secrets_of_home
from watchkeeper.services.supervision.delivery import Held
from watchkeeper.services.supervision.endings import Command, Ending, Why, ending_of, failed, released
from watchkeeper.services.supervision.former import former_attempts_gone
from watchkeeper.services.supervision.gate_rounds import GateRounds
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.renewals import LeaseHold
from watchkeeper.services.supervision.server_link import Refused
from watchkeeper.services.supervision.session_start import Means, prepared

LOOK_SECONDS = 1.0
"""How often the output and the clocks are looked at; the session's end wakes at once."""

LINGER_SECONDS = 30.0
"""How long an agent may live on that has ended its job by the contract's own commands."""

HANGING_SECONDS = 60.0
"""How long a session may take to end after its agent; then its shim hangs, and is ended too."""

UNDELIVERED_SECONDS = 900.0
"""How long a lease is renewed for an end that cannot be told."""


class Attempt:
    """One attempt. `interrupt` may be called at any time; the first reason counts."""

    def __init__(self, means: Means, records: AttemptRecords, facts: dict[str, Any]) -> None:
        self._means = means
        self._records = records
        self._facts = facts
        self.job: dict[str, Any] = facts["job"]
        self._session: Session | None = None
        self._why: Why | None = None
        self._detail = ""
        self._watch: OutputWatch | None = None
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self._lingers_until: float | None = None
        self.is_reporting = False
        self._is_checking = False
        self._rounds = GateRounds(means, records, facts)
        self.was_given_up = False
        self._reader = ProcReader()
        self.hold = LeaseHold(
            self.id,
            self.job["epoch"],
            facts["lease"],
            self.job["lease_seconds"],
            facts["sent_at"],
            self._lives,
        )

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @property
    def _held(self) -> Held:
        workspace = self._facts.get("workspace")
        work = None if workspace is None else Path(workspace) / "work"
        return Held(self.job, self._facts["lease"], work, self._facts)

    async def run(self) -> None:
        """Do a job that was just claimed."""
        try:
            started = await self._start()
        except UsageError as error:
            await self._conclude(failed(error.message))
        except Refused as refused:
            status = f"the job could not be started: {refused.message}"
            await self._conclude(failed(status, AttemptCause.INFRASTRUCTURE))
        except (OSError, SessionError, SettingError, ServerUnreachable) as error:
            text = f"the session could not be started: {error}"
            await self._conclude(failed(text, AttemptCause.INFRASTRUCTURE))
        else:
            await (self._conclude(started) if isinstance(started, Ending) else self._see_through(started))

    async def go_on(self) -> None:
        """Go on with an attempt that another supervisor began and left."""
        if (end := self._records.end()) is not None:
            await self._conclude(Ending.from_record(end))
        elif not self._records.session.is_dir():
            await self._conclude(released("the worker was restarted before the agent was started"))
        else:
            session = Session.adopt(self._records.session)
            log("agent_session_adopted", job=self.id, standing=session.standing.value)
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
            log("attempt_interrupted", job=self.id, why=why.value, detail=detail)
        if self._session is not None:
            self._session.interrupt(self._detail)

    async def lease_is_gone(self) -> bool:
        """Take in that the server no longer knows the lease: the agent has ended its job, or it was taken away.

        False when that could not be found out: the next renewal tells it again.
        """
        if self._why is not None or (self.is_reporting and not self._is_checking):
            return True
        try:
            ended = await self._means.delivery.how_it_ended(self._held)
        except (ServerUnreachable, Refused):
            return False
        if ended is None:
            self.interrupt(Why.LEASE_LOST, "the lease was lost: another worker may hold the job")
        else:
            log("agent_ended_its_job", job=self.id, status=ended)
            self._detail = f"the agent itself ended the job: {ended}"
            self._lingers_until = boot_clock() + LINGER_SECONDS
        return True

    def _lives(self) -> bool:
        """Say, in the renewing thread, whether there is something that the lease is for."""
        session = self._session
        if session is None or self.is_reporting:
            return boot_clock() < self._kept_until
        if session.standing is Standing.RUNNING and not self._agent_is_gone(session):
            self._kept_until = boot_clock() + HANGING_SECONDS
            return True
        return boot_clock() < self._kept_until

    def _agent_is_gone(self, session: Session) -> bool:
        agent = session.agent
        return agent is not None and not self._reader.alive(agent)

    async def _start(self) -> Session | Ending:
        command = command_of(self.job.get("payload"), self._means.config.command)
        if not await asyncio.to_thread(former_attempts_gone, self._means.config.home, self._records, self.id):
            text = "processes of a former attempt at this job still live on this machine"
            return failed(text, AttemptCause.INFRASTRUCTURE)
        token = await self._job_token()
        spec = await asyncio.to_thread(prepared, self._means, self._records, self._facts, command, token)
        if self._why is not None:
            return ending_of_unstarted(self._why, self._detail)
        return await asyncio.to_thread(Session.start, spec)

    async def _job_token(self) -> str:
        """Ask for the agent's token for as long as the lease may live."""
        while True:
            try:
                answer = await self._means.link.on_job(self.id, "token", {}, self.hold.token)
                return str(answer["token"])
            except ServerUnreachable:
                if self._why is not None or boot_clock() >= self.hold.ends_at:
                    raise
            await asyncio.sleep(LOOK_SECONDS)

    async def _see_through(self, session: Session) -> None:
        """Follow a session to its end, and those of further turns after it, and report the last one's."""
        ending = await self._followed(session)
        while ending.command is Command.COMPLETE and self._rounds.remain:
            if not (failed := await self._failed_checks()) or self._why is Why.LEASE_LOST:
                break
            if self._why is not None:
                ending = ending_of_unstarted(self._why, self._detail)
            elif (again := await self._rounds.next_session(failed)) is None:
                break
            else:
                ending = await self._followed(again)
        await self._conclude(ending)

    async def _failed_checks(self) -> list[dict[str, Any]]:
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self.is_reporting = self._is_checking = True
        try:
            return await self._rounds.failed_checks(self._held, self._output())
        finally:
            self.is_reporting = self._is_checking = False

    async def _followed(self, session: Session) -> Ending:
        """Follow a session to its end and give what that means, once nothing of it is left."""
        self._session = session
        self._watch = await asyncio.to_thread(OutputWatch, session, self._records.directory, self._secrets())
        if self._why is not None:
            session.interrupt(self._detail)
        await self._until_over(session, self._watch)
        report = await self._gone(session)
        await asyncio.to_thread(self._watch.finish)
        if not report.gone:
            log("processes_left", job=self.id, left=list(report.left), note=report.note)
            text = f"processes of the attempt could not be ended: {report.note or report.left}"
            return failed(text, AttemptCause.INFRASTRUCTURE)
        end = session.ended()
        tail = self._watch.tail("stderr", 4000)
        if self._why is None and self._lingers_until is not None:
            self._why = Why.ENDED_BY_AGENT
        return ending_of(judge(end, tail), end, self._why, self._detail, tail)

    async def _until_over(self, session: Session, watch: OutputWatch) -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        descriptor = session.fileno()
        if descriptor == -1:
            return
        loop.add_reader(descriptor, over.set)
        try:
            agent_seen_at = boot_clock()
            while not over.is_set():
                await asyncio.to_thread(watch.look)
                self._look_at_clocks()
                await _wait(over, LOOK_SECONDS)
                if not self._agent_is_gone(session):
                    agent_seen_at = boot_clock()
                elif boot_clock() - agent_seen_at > HANGING_SECONDS:
                    await asyncio.to_thread(prove_gone, session.directory)
        finally:
            loop.remove_reader(descriptor)

    def _look_at_clocks(self) -> None:
        minutes = self.job.get("progress_deadline_minutes")
        # As the server last told it: what the agent has done since then is not known here.
        still = self.hold.progress_age
        if self._lingers_until is not None:
            if boot_clock() >= self._lingers_until:
                self.interrupt(Why.ENDED_BY_AGENT, self._detail)
        elif minutes is not None and still is not None and still > minutes * 60:
            text = f"no progress within {minutes:g} minutes: no progress command and no artifact"
            self.interrupt(Why.NO_PROGRESS, text)

    async def _gone(self, session: Session) -> SweepReport:
        """Give the proof that nothing of the session is left: the shim's, or our own where it has none."""
        report = session.swept()
        if session.standing is Standing.FINISHED and report is not None:
            session.close()
        else:
            report = await asyncio.to_thread(session.prove_gone)
        await asyncio.to_thread(session.remove_scope)
        return report

    async def _conclude(self, ending: Ending) -> None:
        self._kept_until = boot_clock() + UNDELIVERED_SECONDS
        self.is_reporting = True
        await self._means.delivery.deliver(self._records, self._held, ending, self._output())

    def _output(self) -> dict[str, Any] | None:
        if self._watch is None or self._session is None:
            return None
        end = self._session.ended()
        told: dict[str, Any] = {"output_cut": self._watch.cut} if self._watch.cut else {}
        if self._watch.secrets:
            told[TAKEN_OUT] = self._watch.secrets
        return told | {
            "exit_code": None if end is None else end.exit_code,
            "wall_seconds": None if end is None else end.wall_seconds,
            "cpu_seconds": None if end is None else end.cpu_seconds,
            "stdout": self._watch.tail("stdout"),
            "stderr": self._watch.tail("stderr"),
        }

    def _secrets(self) -> list[str]:
        own = [*secret_variables(os.environ).values(), *secrets_of_home(self._means.config.home)]
        tokens = [self._facts.get("job_token") or "", self._facts["lease"], self._means.config.token]
        return [value for value in (*own, *tokens) if value]


def ending_of_unstarted(why: Why, detail: str) -> Ending:
    """Give the end of an attempt that was interrupted before its agent ran."""
    if why is Why.CANCELLED:
        return released(detail, cancelled=True)
    if why is Why.UNCONFIRMED:
        return failed(detail, AttemptCause.INFRASTRUCTURE)
    return released(detail)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
