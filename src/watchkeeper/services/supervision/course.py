"""The course of an attempt: after each turn either a further one or an end, by what was seen of the turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.agents.command import Claim, Verdict, judge
from watchkeeper.agents.session import End
from watchkeeper.agents.workspace_files import GateRound
from watchkeeper.domain.jobs import StateReason
from watchkeeper.domain.sessions.diagnosis import FailureClass
from watchkeeper.domain.sessions.prompts import fresh_prompt, mending_prompt, resumed_prompt
from watchkeeper.logs import log
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.endings import (
    Command,
    Ending,
    Why,
    completed,
    ending_of,
    failed,
    held,
    logged_out,
    parked,
)
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import Json, one_line
from watchkeeper.services.supervision.steps import (
    Done,
    GiveUp,
    GoOn,
    LoggedOut,
    Mend,
    Probe,
    Quota,
    TurnOver,
    after_turn,
)
from watchkeeper.services.supervision.turns import TurnOrder

LONGEST_PROBE_SECONDS = 600.0
LAST_WORD = "the agent ended its turn, and nothing that is known speaks against it"


@dataclass(frozen=True)
class Claimed:
    """The turn claims success: the gate is asked before it is told. `ending` is what is told then."""

    ending: Ending


@dataclass(frozen=True)
class Waiting:
    """The provider cannot be reached: `order` is to be begun after a while."""

    order: TurnOrder
    because: str


class Course:
    """The turns of one attempt so far, and what comes next."""

    def __init__(
        self,
        means: Means,
        records: AttemptRecords,
        job: Json,
        conversation: Conversation,
        first: Callable[[], str],
    ) -> None:
        self._means = means
        self._records = records
        self._job = job
        self.conversation = conversation
        self._first = first
        self.failure: str | None = None
        self._probes = 0

    @property
    def has_rounds(self) -> bool:
        return self.conversation.rounds < self._means.config.max_gate_rounds

    @property
    def is_gated(self) -> bool:
        """Say whether there is a gate to pass, whoever hands in."""
        return self._means.desk.is_gated(self._job)

    def after(
        self, over: TurnOver, why: Why | None, detail: str, tail: str
    ) -> Ending | Claimed | TurnOrder | Waiting:
        """Choose. `why` and `detail` tell of an interruption that is not for the agent's own healing."""
        if over.stopped is not None and why is None:
            return self._given_up(over.stopped, tail)
        if not self._means.adapter.converses or why is not None:
            ending = ending_of(self._verdict(over.end, why, tail), over.end, why, detail, tail)
            return Claimed(ending) if ending.command is Command.COMPLETE else ending
        most = self._means.config.session_limits.restarts_most
        step = after_turn(over, self.conversation.restarts, most, time.time())
        match step:
            case Done():
                return Claimed(completed(LAST_WORD))
            case Mend():
                return self._mended(step)
            case GoOn():
                return self._gone_on(step)
            case Probe():
                return Waiting(TurnOrder(resumed_prompt(step.because)), step.because)
            case Quota():
                self.failure = FailureClass.USAGE_LIMIT.value
                return parked(step.because, step.until)
            case LoggedOut():
                self.failure = FailureClass.PROVIDER_RETRY_LOOP.value
                return logged_out(f"{step.because} To mend it, {self._means.adapter.login}", step.until)
            case GiveUp():
                return self._given_up(step, tail)

    def next_probe(self) -> float:
        """Give how long a provider that cannot be reached is left alone before the next try."""
        seconds = min(self._means.config.probe_seconds * 2.0**self._probes, LONGEST_PROBE_SECONDS)
        self._probes += 1
        return seconds

    def gate_round(self, checks: Sequence[Json]) -> TurnOrder:
        """Give the failed checks back as a further turn."""
        known, of = self.conversation, self._means.config.max_gate_rounds
        known.rounds += 1
        self._keep()
        log("gate_round_started", job=self._job["id"], round=known.rounds, of=of,
            failed=[check.get("check") for check in checks])  # fmt: skip
        return TurnOrder(mending_prompt(checks), GateRound(known.rounds, of, checks))

    def _verdict(self, end: End | None, why: Why | None, tail: str) -> Verdict:
        verdict = judge(end, tail)
        if self._means.adapter.converses and why is not None and verdict.claim is Claim.SUCCESS:
            # An agent that is asked to end may do so with exit code 0, its work undone.
            return Verdict(Claim.INTERRUPTED, None, verdict.reason)
        return verdict

    def _mended(self, step: Mend) -> Ending | Claimed | TurnOrder:
        self.failure = step.failure
        says_nothing = step.failure == FailureClass.EXIT_WITHOUT_CONTRACT_CALL
        if says_nothing and (self.is_gated or self._means.contract_host is None):
            # The gate asks for evidence, whoever hands it in.
            return Claimed(completed(LAST_WORD))
        check: dict[str, Any] = {"check": step.failure, "detail": step.because}
        if self.has_rounds:
            return self.gate_round([check])
        text = f"{step.because}; it was told {self.conversation.rounds} times"
        return held(step.failure, text, StateReason.GATE_FAILED, {"failed": one_line([check])})

    def _gone_on(self, step: GoOn) -> TurnOrder:
        known = self.conversation
        if step.counts:
            known.restarts += 1
            known.failures = [*known.failures[-19:], step.failure]
            self.failure = step.failure
        is_fresh = step.fresh or known.resumes is None
        if is_fresh:
            known.abandon()
        self._keep()
        log("session_begun_again", job=self._job["id"], failure=step.failure, restarts=known.restarts,
            fresh=is_fresh, because=step.because)  # fmt: skip
        return TurnOrder(
            fresh_prompt(self._first(), step.because) if is_fresh else resumed_prompt(step.because)
        )

    def _given_up(self, step: GiveUp, tail: str) -> Ending:
        self.failure = step.failure
        said = f"{step.because}; stderr ends with:\n{tail}" if tail else step.because
        if step.held is None:
            return failed(f"{step.failure}: {said}")
        # A person who lets the job go on begins the count anew.
        self.conversation.restarts, self.conversation.failures = 0, []
        self._keep()
        return held(step.failure, said, step.held, step.evidence)

    def _keep(self) -> None:
        self._records.keep_thread(self.conversation.record())
