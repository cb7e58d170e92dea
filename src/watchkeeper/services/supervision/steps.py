"""What comes after a turn of an agent that converses: a pure choice by how it ended, and what is held of it.

Never a success against the evidence, never a failure for what only needs to be gone on with. How often a thread was
begun again is counted for the job, and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.agents.session import End, EndReason
from watchkeeper.domain.jobs import StateReason
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import Trouble, TurnEnded

QUOTA_SECONDS = 3600.0
"""How long to wait for a quota whose reset nobody told."""

FOR_A_FRESH_THREAD = frozenset({Trouble.CONTEXT_OVERFLOW, Trouble.SESSION_UNKNOWN, Trouble.BAD_REQUEST})
OUT_OF_REACH = frozenset({Trouble.UNREACHABLE, Trouble.NETWORK})
LOGIN_SECONDS = 600.0
"""How long a pool whose login is refused is left alone before the next try."""

ASKED_FOR = "asked_for"
"""In the place of a class: nothing is wrong with the turn, a person wanted it cut."""

BUDGETS = frozenset({Trouble.BUDGET, Trouble.TURNS_USED_UP})


@dataclass(frozen=True)
class GiveUp:
    """The attempt failed, or with `held` the job is held for a person. `failure` names the class."""

    failure: str
    because: str
    held: StateReason | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TurnOver:
    """How a turn ended. `acted` is what made the supervisor interrupt it, `final` what is held of it since.

    `terminal` is the agent's own last word; `until` when its provider's limit ends (Unix time), if it said. `stopped`
    names the job's limit that it was ended for.
    """

    end: End | None
    terminal: TurnEnded | None = None
    acted: Diagnosis | None = None
    final: Diagnosis | None = None
    until: float | None = None
    stopped: GiveUp | None = None


@dataclass(frozen=True)
class Done:
    """It claims success, and nothing that is known speaks against it; the gate decides."""


@dataclass(frozen=True)
class Mend:
    """It claims success against evidence, or has not ended its job: it is told, as it would be by the gate."""

    failure: str
    because: str


@dataclass(frozen=True)
class GoOn:
    """Another turn: of the same thread, or `fresh`. A restart is counted unless a person asked for it."""

    failure: str
    because: str
    fresh: bool = False
    counts: bool = True


@dataclass(frozen=True)
class Quota:
    """Back when the provider's limit ends (Unix time). Nobody's failure."""

    until: float
    because: str


@dataclass(frozen=True)
class Probe:
    """The provider cannot be reached: wait a while, and go on with the thread. No restart."""

    because: str


@dataclass(frozen=True)
class LoggedOut:
    """The provider refuses the login: a person has to mend it, until then all of its sessions would fail."""

    until: float
    because: str


Step = Done | Mend | GoOn | Quota | LoggedOut | Probe | GiveUp


def after_turn(over: TurnOver, restarts: int, most_restarts: int, now: float) -> Step:
    """Choose what comes after a turn that nobody but the supervisor's own healing has interrupted."""
    if over.stopped is not None:
        return over.stopped
    step = _by_end(over) or _by_diagnosis(over, now) or _by_last_word(over, now)
    if isinstance(step, GoOn) and step.counts and restarts >= most_restarts:
        held = _held_for(over)
        return GiveUp(
            step.failure, f"{step.because}; it was begun again {restarts} times", held, _evidence(over)
        )
    return step


def _by_end(over: TurnOver) -> Step | None:
    """Judge by the process alone, where that says enough."""
    end = over.end
    if over.acted is not None:
        return None
    if end is None:
        return GoOn(
            _class(over, "session_lost"), "the session's processes died without a record of their end"
        )
    match end.reason:
        case EndReason.NOT_STARTED:
            return GiveUp("not_started", f"the agent could not be started: {end.error}")
        case EndReason.SHIM_FAILED:
            return GoOn(_class(over, "session_lost"), f"the session failed: {end.error}")
        case EndReason.HARD_CAP:
            return GiveUp("hard_cap", f"the agent was ended at its hard cap after {end.wall_seconds:.0f} s")
        case EndReason.OUTPUT_LIMIT:
            return GiveUp("output_limit", "the agent was ended for writing more output than allowed")
    if end.oom_kills and not _is_clean(over):
        return GiveUp("memory", "the kernel killed for memory", StateReason.BUDGET, _evidence(over))
    return None


def _by_diagnosis(over: TurnOver, now: float) -> Step | None:
    if over.acted is not None and over.acted.failure is None:
        return GoOn(ASKED_FOR, over.acted.because, counts=False)
    # A turn that lived on after its end was only swept away: what counts is what is held of its work.
    held = over.final if _was_swept(over) else over.acted or over.final
    if held is None or held.failure is None:
        return None
    failure, because = held.failure.value, _in_words(held)
    match held.action:
        case Action.PARK if held.evidence.get("trouble") in OUT_OF_REACH:
            return Probe(because)
        case Action.PARK if held.evidence.get("trouble") == Trouble.AUTH:
            return LoggedOut(now + LOGIN_SECONDS, because)
        case Action.PARK:
            return Quota(held.until or over.until or now + QUOTA_SECONDS, because)
        case Action.FRESH_SESSION:
            return GoOn(failure, because, fresh=True)
        case Action.BLOCK_COMPLETE if _is_clean(over):
            return Mend(failure, because)
        case Action.ESCALATE:
            return GiveUp(failure, because, _held_for(over), _evidence(over))
        case Action.RETRY if held.failure is FailureClass.EXIT_WITHOUT_CONTRACT_CALL and _is_clean(over):
            return Mend(failure, because)
        case Action.NONE | Action.SWEEP | Action.RECONCILE:
            return None
    return None if _is_clean(over) else GoOn(failure, because)


def _by_last_word(over: TurnOver, now: float) -> Step:
    """Judge by the agent's last word and its exit code, where the classifier has nothing to say."""
    said = over.terminal
    if _is_clean(over):
        return Done()
    failure = _class(over, "agent_failed")
    if said is None or said.ok:
        return GoOn(failure, f"the agent ended with {_how(over.end)} and no word that its turn is over")
    because = f"the agent's turn failed: {said.trouble or Trouble.OTHER}: {said.text}"
    if said.trouble is Trouble.AUTH:
        return LoggedOut(now + LOGIN_SECONDS, because)
    if said.trouble in {Trouble.USAGE_LIMIT, Trouble.RATE_LIMIT}:
        return Quota(over.until or now + QUOTA_SECONDS, because)
    if said.trouble in OUT_OF_REACH:
        return Probe(because)
    if said.trouble is Trouble.TOOLS_MISSING:
        return GiveUp(failure, because, evidence=_evidence(over))
    if said.trouble in BUDGETS:
        return GiveUp("budget", because, StateReason.BUDGET, _evidence(over))
    return GoOn(failure, because, fresh=said.trouble in FOR_A_FRESH_THREAD)


def _in_words(held: Diagnosis) -> str:
    """Say what is held of it, with the provider's own words where there are any."""
    said = str(held.evidence.get("text") or "")
    return f"{held.because} It said: {said}" if said else held.because


def _is_clean(over: TurnOver) -> bool:
    """Say whether process and last word both tell of a good end: either of them alone lies at times."""
    end, said = over.end, over.terminal
    exited = end is not None and end.reason is EndReason.EXITED and end.exit_code == 0
    ended_well = _was_swept(over) or (exited and over.acted is None)
    return ended_well and said is not None and said.ok


def _was_swept(over: TurnOver) -> bool:
    """Say whether it was ended for living on after its own last word, and for nothing else."""
    acted = over.acted
    return acted is not None and acted.action is Action.SWEEP and over.terminal is not None


def _held_for(over: TurnOver) -> StateReason:
    """Say what a person is told of a thread that helps no more: it used up its budget, it died, or it stood still."""
    if over.terminal is not None and over.terminal.trouble in BUDGETS:
        return StateReason.BUDGET
    crashed = over.acted is None and (over.end is None or over.end.signal is not None)
    return StateReason.CRASH_LOOP if crashed else StateReason.AGENT_STALLED


def _class(over: TurnOver, otherwise: str) -> str:
    held = over.acted or over.final
    return held.failure.value if held is not None and held.failure is not None else otherwise


def _how(end: End | None) -> str:
    if end is None:
        return "no record of its end"
    return f"signal {end.signal}" if end.signal is not None else f"exit code {end.exit_code}"


def _evidence(over: TurnOver) -> dict[str, Any]:
    held = over.acted or over.final
    told = dict(held.evidence) if held is not None else {}
    return told | {
        "process": _how(over.end),
        "last_word": None if over.terminal is None else over.terminal.text,
    }
