"""The work on a foreign job by an agent: one session of one turn, whose calls of the contract the heartbeat runs."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from watchkeeper.agents.artifacts import Gathered, ProducedFile, files_in, open_inside, produced
from watchkeeper.agents.session import Session, SessionError
from watchkeeper.agents.sweep import SweepReport
from watchkeeper.domain.errors import UsageError, WatchkeeperError
from watchkeeper.domain.heartbeat_steps import Answer, Asked, Call, Command, Ending, Why, Worked
from watchkeeper.domain.helper_answers import HelperAnswers
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.relay.agent_turn import AgentTurn, ServedAgent
from watchkeeper.services.relay.asking import GRANTED, ForeignSession, Json, Question
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.work_place import WorkPlace, handed_over
from watchkeeper.services.supervision.following import Following
from watchkeeper.services.supervision.server_link import Refused
from watchkeeper.services.supervision.steps import Done, GiveUp, GoOn, Mend, TurnOver, after_turn

LOOK_SECONDS = 0.1
STOP_SECONDS = 60.0
COPY_BYTES = 1024 * 1024


class AgentWork:
    """One attempt at one job. `workspace` holds copies of what was handed in: the agent still lives then."""

    def __init__(
        self,
        places: WorkPlace,
        agent: ServedAgent,
        redactor: Redactor,
        config: HelperConfig,
        artifact_limit_bytes: int,
    ) -> None:
        self._agent = agent
        self._answers = HelperAnswers(config)
        self._limit = artifact_limit_bytes
        self._token = secrets.token_urlsafe(32)
        redactor.learn(self._token)
        self._turn = AgentTurn(places, agent, redactor, config.work_seconds, self._token)
        self._questions: deque[Question] = deque()
        self._question: Question | None = None
        self._held: HeldJob | None = None
        self._started: asyncio.Task[Following] | None = None
        self._ends: asyncio.Task[SweepReport] | None = None
        self._lingers = False
        self.workspace = Path()
        self.summary: str | None = None
        self.files: tuple[ProducedFile, ...] = ()

    async def look(self, held: HeldJob) -> Worked | Asked | None:
        """Start the session, or wait a moment for what it asks or hands in; None while it works on."""
        try:
            ends = await self._running(held)
        except (UsageError, SessionError, OSError) as error:
            return Worked(is_done=False, detail=f"the agent could not be started: {error}")
        if (question := self._next()) is not None:
            self._question = question
            if question.command is not Command.COMPLETE:
                return Asked(question.command)
            return await asyncio.to_thread(self._handed_in, question, held)
        await asyncio.wait([ends], timeout=LOOK_SECONDS)
        return self._over(ends.result()) if ends.done() and not self._questions else None

    def arguments(self, call: Call, held: HeldJob) -> list[str] | None:
        """Give the arguments of the command that the agent asked for; None for what the heartbeat runs by itself."""
        question = self._question
        if question is None or call.command is not question.command or call.why not in (Why.TURN, Why.RETRY):
            return None
        match call.command:
            case Command.PROGRESS:
                return [held.id, question.body["message"], question.body["phase"]]
            case Command.FAIL | Command.RELEASE:
                return [held.id, question.body["reason"]]
        return None

    def answer(self, answer: Answer) -> bool:
        """Tell the agent; give whether it goes on working, which it does if it asked and lives."""
        question, self._question = self._question, None
        if isinstance(answer.told, Ending):
            self._lingers = answer.told.verdict in GRANTED
        if question is None:
            return False
        question.settle(answer.told, self._answers)
        return self._ends is not None and not self._ends.done()

    async def stop(self) -> None:
        """End whatever lives of it, a little later where the job is done: it is about to end by itself."""
        if self._started is None:
            return
        await asyncio.wait([self._started])
        if not self._started.cancelled() and self._started.exception() is None:
            await self._end(self._started.result().session)
        self._agent.order.host.forget(self._token)
        for question in self._questions:
            question.refuse(Refused(0, "stale_lease", "the heartbeat is over", {}))

    async def _end(self, session: Session) -> None:
        if self._ends is not None:
            if self._lingers:
                await asyncio.wait([self._ends], timeout=self._agent.order.linger_seconds)
            if not self._ends.done():
                session.interrupt("the heartbeat is over")
                await asyncio.wait([self._ends], timeout=STOP_SECONDS)
        if session.swept() is None:
            await asyncio.to_thread(session.prove_gone)

    async def _running(self, held: HeldJob) -> asyncio.Task[SweepReport]:
        if self._ends is None:
            self._held = held
            session = ForeignSession(held.id, None, self._turn.called, ask=self._ask)
            self._started = asyncio.create_task(asyncio.to_thread(self._turn.start, held, session))
            # Whatever cancels the heartbeat now, `stop` waits for what was begun.
            following = await asyncio.shield(self._started)
            self._ends = asyncio.create_task(following.to_its_end(), name="agent session")
        return self._ends

    def _ask(self, command: Command, body: Json) -> Future[Json]:
        question = Question(command, body)
        self._questions.append(question)
        return question.future

    def _next(self) -> Question | None:
        """Give the next question that somebody waits for; what the job is, is told at once."""
        while self._questions:
            question = self._questions.popleft()
            if question.is_waited_for():
                return question
        return None

    def _handed_in(self, question: Question, held: HeldJob) -> Worked | None:
        """Take what the agent hands in; where that cannot be taken it is told so, and works on."""
        place = self._turn.workspace
        try:
            entries = tuple(produced(place, entry, self._limit) for entry in question.body["artifacts"])
            gathered = Gathered(question.body["summary"], entries, declared=bool(entries))
            self.files = handed_over(held, gathered, files_in(place, self._limit))
            self._copy(place)
        except WatchkeeperError as refused:
            question.refuse(refused)
        except OSError as error:
            question.refuse(UsageError(f"the files could not be taken: {error.strerror}"))
        else:
            self.summary = gathered.summary
            return Worked(is_done=True, has_files=bool(self.files))
        self._question = None
        return None

    def _copy(self, place: Path) -> None:
        """Copy the files: the agent could put a link in the place of one while the helper reads it."""
        self.workspace = self._turn.directory.with_suffix(".handed-in")
        shutil.rmtree(self.workspace, ignore_errors=True)
        for file in self.files:
            target = self.workspace / file.path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            left = self._limit
            with open_inside(place, file.path, self._limit) as source, target.open("wb") as copy:
                while left > 0 and (part := source.read(min(left, COPY_BYTES))):
                    left -= copy.write(part)

    def _over(self, report: SweepReport) -> Worked:
        if not report.gone:
            left = report.note or report.left
            return Worked(is_done=False, detail=f"processes of the agent could not be ended: {left}")
        return Worked(is_done=False, detail=_without_end(self._turn.following.over()))


def _without_end(over: TurnOver) -> str:
    """Say why a turn ended before its job did."""
    match after_turn(over, 0, 1, time.time()):
        case Done():
            return "the agent ended its turn without a complete that was accepted"
        case (GoOn() | Mend() | GiveUp()) as step:
            return f"{step.failure}: {step.because}"
        case step:
            return step.because
