"""The work on a foreign job by an agent: an attempt as every supervisor runs it, whose agent's calls of the contract
the heartbeat runs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchkeeper.agents.artifacts import ProducedFile
from watchkeeper.domain.errors import UsageError, WatchkeeperError
from watchkeeper.domain.heartbeat_steps import (
    Answer,
    Asked,
    Call,
    Command,
    Ending,
    Uploaded,
    Verdict,
    Why,
    Worked,
)
from watchkeeper.domain.helper_answers import HelperAnswers
from watchkeeper.logs import log
from watchkeeper.services.relay.agent_attempts import AgentAttempts
from watchkeeper.services.relay.asking import GRANTED, Question
from watchkeeper.services.relay.foreign_desk import ForeignDesk
from watchkeeper.services.relay.guard import Guarded
from watchkeeper.services.relay.handing_in import HandedIn
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.served_agent import ServedAgent
from watchkeeper.services.supervision import endings
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.server_link import Refused
from watchkeeper.services.supervision.session_run import Attempt

LOOK_SECONDS = 0.1
STOP_SECONDS = 120.0


@dataclass(frozen=True)
class _Begun:
    """An attempt under way, and what it has handed in."""

    attempt: Attempt
    handed_in: HandedIn
    runs: asyncio.Task[None]


class AgentWork:
    """The work on one job of one heartbeat; what an earlier process began of it is gone on with."""

    def __init__(
        self,
        means: Guarded,
        agent: ServedAgent,
        attempts: AgentAttempts,
        artifact_limit_bytes: int,
    ) -> None:
        self._guarded = means
        self._agent = agent
        self._attempts = attempts
        self._answers = HelperAnswers(means.config)
        self._limit = artifact_limit_bytes
        self._desk = ForeignDesk(means.config, means.redactor, self._put)
        self._questions: deque[Question] = deque()
        self._question: Question | None = None
        self._beginning: asyncio.Task[_Begun] | None = None
        self._reason = "the worker was stopped"
        self._is_over = False
        self._held: HeldJob | None = None
        self.summary: str | None = None

    @property
    def workspace(self) -> Path:
        """Give where copies of what was handed in lie: the agent still lives then."""
        return self._begun.handed_in.directory

    @property
    def files(self) -> tuple[ProducedFile, ...]:
        return self._begun.handed_in.files

    def begin(self, held: HeldJob) -> None:
        """Begin the attempt before it is looked at: an agent that lives may be calling already."""
        self._held = held
        self._beginning = asyncio.create_task(self._begin(held), name="agent's attempt")

    async def look(self, held: HeldJob) -> Worked | Asked | None:
        """Begin the attempt, or wait a moment for what its agent asks or hands in; None while it works on."""
        if self._beginning is None:
            self.begin(held)
        try:
            # Whatever cancels the heartbeat now, `stop` waits for what was begun.
            begun = await asyncio.shield(self._task)
        except OSError as error:
            return Worked(is_done=False, detail=f"the agent could not be started: {error}")
        if (question := self._next()) is not None:
            return await asyncio.to_thread(self._taken_up, question, held, begun)
        await asyncio.wait([begun.runs], timeout=LOOK_SECONDS)
        return self._worked() if begun.runs.done() and not self._questions else None

    def arguments(self, call: Call, held: HeldJob) -> list[str] | None:
        """Give the arguments of the command that the agent asked for; None for what the heartbeat runs by itself."""
        question = self._question
        if call.why not in (Why.TURN, Why.RETRY):
            return None
        if call.command is Command.RELEASE and question is None:
            return [held.id, self._reason]
        if question is None or call.command is not question.command:
            return None
        match call.command:
            case Command.PROGRESS:
                return [held.id, question.body["message"], question.body["phase"]]
            case Command.FAIL | Command.RELEASE:
                return [held.id, question.body["reason"]]
        return None

    def is_at_work(self) -> bool:
        """Say whether there is an agent that the lease is for: one that is gone for long lets it run out."""
        return self._beginning is None or not self._beginning.done() or self._begun.attempt.hold.vouch()

    def answer(self, answer: Answer) -> bool:
        """Tell the agent; give whether it goes on working, which it does if it asked and lives."""
        question, self._question = self._question, None
        told = answer.told
        if isinstance(told, Ending) and told.verdict in GRANTED:
            self._desk.granted = told.verdict.value
        if question is None or self._held is None:
            return False
        is_there = isinstance(told, Uploaded) and told.is_there
        files = self._begun.handed_in.uploaded(self._held) if is_there else ()
        question.settle(told, self._answers, files)
        return not self._begun.runs.done()

    async def stop(self) -> None:
        """End whatever lives of it, a little later where the job is done: it is about to end by itself."""
        self._is_over = True
        for question in self._questions:
            question.refuse(Refused(0, "stale_lease", "the heartbeat is over", {}))
        if self._beginning is not None:
            await asyncio.wait([self._beginning])
            if self._beginning.exception() is None:
                await self._ended(self._begun)
        if self._held is not None and self._desk.granted not in (None, Verdict.RELEASED):
            await asyncio.to_thread(self._attempts.settled, self._held.id)

    async def _ended(self, begun: _Begun) -> None:
        self._agent.told.at_work = None
        if begun.runs.done():
            return
        if self._desk.granted is not None:
            await begun.attempt.lease_is_gone()
        else:
            begun.attempt.interrupt(endings.Why.SHUTDOWN, "the heartbeat is over")
        await asyncio.wait([begun.runs], timeout=STOP_SECONDS)

    @property
    def _task(self) -> asyncio.Task[_Begun]:
        if self._beginning is None:
            raise RuntimeError("no attempt was begun")
        return self._beginning

    @property
    def _begun(self) -> _Begun:
        return self._task.result()

    async def _begin(self, held: HeldJob) -> _Begun:
        """Begin an attempt, or go on with the one at this very claim that an earlier process left."""
        left = await asyncio.to_thread(self._attempts.of, held)
        cap = self._guarded.config.work_seconds
        begun = left if left is not None else await asyncio.to_thread(self._attempts.begin, held, cap)
        records, facts = begun
        if token := facts.get("job_token"):
            self._guarded.redactor.learn(token)
        attempt = Attempt(self._means(), records, facts)
        self._agent.told.at_work = attempt
        runs = asyncio.create_task(self._seen_through(attempt, goes_on=left is not None), name="attempt")
        return _Begun(attempt, HandedIn(records.directory / "handed-in", self._limit), runs)

    async def _seen_through(self, attempt: Attempt, *, goes_on: bool) -> None:
        try:
            await (attempt.go_on() if goes_on else attempt.run())
        except Exception as error:  # noqa: BLE001 - a fault of ours must not leave an agent behind
            log("attempt_crashed", job=attempt.id, detail=f"{type(error).__name__}: {error}")
            await attempt.give_up(error)

    def _means(self) -> Means:
        agent = self._agent
        return Means(
            agent.order.sessions,
            self._guarded.worker_id,
            agent.workspaces,
            self._desk,
            agent.adapter,
            agent.order.host,
            agent.told.records,
        )

    def _put(self, question: Question) -> None:
        if self._is_over:
            question.refuse(Refused(0, "stale_lease", "the heartbeat is over", {}))
        else:
            self._questions.append(question)

    def _next(self) -> Question | None:
        """Give the next question that somebody waits for."""
        while self._questions:
            question = self._questions.popleft()
            if question.is_waited_for():
                return question
        return None

    def _taken_up(self, question: Question, held: HeldJob, begun: _Begun) -> Worked | Asked | None:
        """Take what the agent asks or hands in; where that cannot be taken it is told so, and works on."""
        self._question, files = question, begun.handed_in
        workspace, body = question.workspace, question.body
        try:
            match question.command:
                case Command.COMPLETE:
                    files.take_all(workspace, held, body)
                    self.summary = body["summary"]
                    return Worked(is_done=True, has_files=bool(files.files))
                case Command.UPLOAD:
                    files.take(workspace, body["paths"])
                case None:
                    files.hand_over_uploaded(held, body.get("url"))
        except WatchkeeperError as refused:
            question.refuse(refused)
        except OSError as error:
            question.refuse(UsageError(f"the files could not be taken: {error.strerror}"))
        else:
            return Asked(question.command)
        self._question = None
        return None

    def _worked(self) -> Worked:
        """Say how the attempt ended without an end of its agent's own."""
        ending = self._desk.ending
        if ending is None or ending.command is endings.Command.NOTHING:
            return Worked(is_done=False, detail="the agent's session is over")
        if ending.command is endings.Command.COMPLETE:
            text = "the agent ended its turn without a complete that was accepted"
            return Worked(is_done=False, detail=text)
        self._reason = str(ending.body["reason"])
        if (at := ending.body.get("retry_at")) is None:
            return Worked(is_done=False, detail=self._reason)
        return Worked(is_done=False, detail=self._reason, until=datetime.fromisoformat(at).timestamp())
