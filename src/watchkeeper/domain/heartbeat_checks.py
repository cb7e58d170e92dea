"""What a config document asks of a worker's heartbeat, and how a recorded one is judged by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from watchkeeper.domain.expressions import Expression
from watchkeeper.domain.rules.names import Severity
from watchkeeper.domain.truth import Clause, Truth

JOB_CLAIMED = "job_claimed"
ARTIFACT_VERIFIED = "artifact_verified"


class CheckState(StrEnum):
    """UNKNOWN: a fact is missing, which is never a pass. NOT_REQUIRED: this heartbeat owes no such step."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_REQUIRED = "not_required"


@dataclass(frozen=True, slots=True)
class HeartbeatCheck:
    """One step of a heartbeat: the command that it is about, when it is owed, and what passes it."""

    name: str
    passes: Expression
    severity: Severity
    command: str | None = None
    required_when: Expression | None = None

    @property
    def step(self) -> str:
        """Give the step of the heartbeat whose answer it is about."""
        return self.command or self.name


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What one check came to: every clause of its expressions with the facts that it read."""

    name: str
    state: CheckState
    severity: Severity
    clauses: tuple[Clause, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Give the verdict with what each clause came to, and the facts that it read."""
        read = [
            {"clause": one.text, "truth": one.truth.value, "facts": dict(one.facts)} for one in self.clauses
        ]
        return {"check": self.name, "state": self.state.value, "clauses": read}


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """What all checks of one step came to; UNKNOWN is no pass, and nothing is done because of it.

    `is_answered`: the answer itself was judged, not only the word of whoever told of it.
    """

    state: CheckState = CheckState.UNKNOWN
    checks: tuple[CheckVerdict, ...] = ()
    is_answered: bool = False

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [each.to_json() for each in self.checks if each.state is CheckState.FAIL]


UNJUDGED = StepVerdict()


def said_of(step: str, ok: bool | None, answer: Any) -> dict[str, Any]:
    """Put down as a heartbeat what one source said of one step: its answer, and the word on it."""
    told = {} if ok is None else {f"{step}_ok": ok}
    if not isinstance(answer, Mapping):
        return told
    # By the contract a command that failed did not say that it is well, whatever it printed.
    return {**told, step: {**answer, "ok": False} if ok is False else answer}


def judge_step(checks: Iterable[HeartbeatCheck], step: str, heartbeat: Mapping[str, Any]) -> StepVerdict:
    """Judge a step by every check that is about it."""
    verdicts = judge(checks, heartbeat)
    own = tuple(verdicts[check.name] for check in checks if check.step == step)
    states = {each.state for each in own}
    found = CheckState.PASS if CheckState.PASS in states else CheckState.UNKNOWN
    for worse in (CheckState.UNKNOWN, CheckState.FAIL):
        found = worse if worse in states else found
    return StepVerdict(found, own, isinstance(heartbeat.get(step), Mapping))


def judge(checks: Iterable[HeartbeatCheck], heartbeat: Mapping[str, Any]) -> dict[str, CheckVerdict]:
    """Judge a recorded heartbeat: what each step answered, under its name or its command's (`{"doctor": {...}}`).

    A step whose answer was not recorded is judged by the word `NAME_ok`, where that was. `required_when` reads
    `job_claimed`, `NAME_ok` of the steps before, `artifact_verified`, and the answers by name (`claim.job`).
    """
    known = {JOB_CLAIMED: job_claimed} if (job_claimed := _job_claimed(heartbeat)) is not None else {}
    facts: dict[str, Any] = {**known, **heartbeat}
    verdicts: dict[str, CheckVerdict] = {}
    for check in checks:
        verdict = verdicts[check.name] = _judged(check, facts)
        if verdict.state is not CheckState.UNKNOWN:
            passed = verdict.state is CheckState.PASS
            facts[f"{check.name}_ok"] = passed
            if check.name == "artifact":
                facts.setdefault(ARTIFACT_VERIFIED, passed)
    return verdicts


def _job_claimed(heartbeat: Mapping[str, Any]) -> bool | None:
    claim = heartbeat.get("claim")
    if isinstance(claim, Mapping) and "job" in claim:
        return claim["job"] is not None
    return None


_STATES = {Truth.TRUE: CheckState.PASS, Truth.FALSE: CheckState.FAIL, Truth.UNKNOWN: CheckState.UNKNOWN}


def _judged(check: HeartbeatCheck, facts: Mapping[str, Any]) -> CheckVerdict:
    asked: tuple[Clause, ...] = ()
    if check.required_when is not None:
        required = check.required_when.evaluate(facts)
        asked = required.clauses
        if required.truth is Truth.FALSE:
            return CheckVerdict(check.name, CheckState.NOT_REQUIRED, check.severity, asked)
        if required.truth is Truth.UNKNOWN:
            return CheckVerdict(check.name, CheckState.UNKNOWN, check.severity, asked)
    answer = facts.get(check.name, facts.get(check.command or check.name))
    if isinstance(answer, Mapping):
        verdict = check.passes.evaluate(answer)
    else:
        verdict = Expression.parse(f"{check.name}_ok").evaluate(facts)
    return CheckVerdict(check.name, _STATES[verdict.truth], check.severity, (*asked, *verdict.clauses))


def _check(
    name: str, passes: str, severity: Severity, when: str | None = None, command: str | None = None
) -> HeartbeatCheck:
    required = None if when is None else Expression.parse(when)
    return HeartbeatCheck(name, Expression.parse(passes), severity, command, required)


DEFAULT_CHECKS = (
    _check(
        "doctor",
        "ok == true and token_present == true and touch.ok == true",
        Severity.HIGH,
        command="doctor",
    ),
    _check("touch", "ok == true and touched == true", Severity.HIGH, command="touch"),
    _check("claim", "ok == true", Severity.MEDIUM, command="claim"),
    _check("context", "ok == true", Severity.HIGH, JOB_CLAIMED),
    _check("progress", "status == running", Severity.MEDIUM, "context_ok"),
    _check("artifact", "primary_artifact_url_http_status in [200]", Severity.HIGH, JOB_CLAIMED),
    _check("complete", "ok == true and status == completed", Severity.HIGH, ARTIFACT_VERIFIED),
)
"""What a heartbeat is judged by where no document says otherwise."""
