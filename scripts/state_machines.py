"""Write docs/state-machines.md from the tables that the program runs by: `python scripts/state_machines.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from watchkeeper.domain.attempts import (
    AttemptPolicy,
    Ending,
    OnGateFailed,
    after_failure,
    after_gate_failure,
    after_lost_lease,
    ended_by,
    handed_back,
)
from watchkeeper.domain.incidents import INCIDENT_TRANSITIONS, UNRESOLVED, IncidentState
from watchkeeper.domain.jobs import TERMINAL, TRANSITIONS, AttemptCause, JobState, OnLost, StateReason
from watchkeeper.domain.repairs import TRANSITIONS as REPAIR_TRANSITIONS
from watchkeeper.services.operations import MOVES

State = TypeVar("State", bound=StrEnum)

PAGE = Path(__file__).parents[1] / "docs" / "state-machines.md"
HEAD = """\
# State machines

This page is written by `scripts/state_machines.py` from the tables in `domain/jobs.py`, `domain/attempts.py`,
`domain/incidents.py`, `services/operations.py` and `domain/repairs.py`; a test fails when it is out of date. What the
words mean is in the [glossary](glossary.md).

## The life of a job
"""
STANDING = """\
A job's state is the table it stands in. Each transition is one statement that takes the row out of one table and
puts it into another, with its audit row, so that a job is never in two states and never in none.
"""
CANCELLING = """\
Cancelling a running job first asks its holder, which stops and hands it back; `force` ends the attempt at once,
and whatever its holder does later is refused as `stale_lease`. A person's act that puts a held job back clears
what was used up, and keeps the time that the job was asked for."""
REPAIRING = """\
What policy lets the program do goes from proposed to executing by itself; the rest waits for an approval, which may be
withdrawn, run out, or find that the target has moved on. What is asked of a holder stays executing until it is seen."""
INCIDENTS = """\
Resolved is final: the same trouble, back within the days of `recurrence_days`, is a new incident that names the old
one. An acknowledgement that runs out gives back the state before it. Silence ordered by a person is no state: it mutes
people, and neither the record nor repairs.
"""
MEANINGS = {
    IncidentState.OPEN: "found, and nobody has begun with it",
    IncidentState.ACKNOWLEDGED: "a person takes care of it until a time",
    IncidentState.REPAIRING: "a repair is under way",
    IncidentState.VERIFYING: "a repair was done, and its effect is awaited",
    IncidentState.RESOLVED: "pass evidence, or a person where the rule says so, ended it",
    IncidentState.ESCALATED: "repairs failed, or may not act: a person was called",
    IncidentState.NEEDS_HUMAN: "only a person's decision goes on from here",
}
PLACES = {
    JobState.PENDING: "`ready_jobs`, or `scheduled_jobs` until its time comes",
    JobState.RUNNING: "`leases`",
    JobState.STUCK: "`held_jobs`",
    JobState.PAUSED: "`held_jobs`",
}


def page() -> str:
    """Give the page's text."""
    return "\n".join(itertools.chain([HEAD], _life(), _endings(), _acts(), _incidents(), _repairs())) + "\n"


def _life() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> pending"
    for state, targets in TRANSITIONS.items():
        for target in _in_order(targets):
            yield f"    {state} --> {target}"
    for state in _in_order(TERMINAL):
        yield f"    {state} --> [*]"
    yield "```\n"
    yield STANDING
    yield "| state | stands in | goes to |"
    yield "| --- | --- | --- |"
    for state, targets in TRANSITIONS.items():
        place = PLACES.get(state, "`job_outcomes`")
        yield f"| `{state}` | {place} | {_listed(_in_order(targets)) or 'nowhere: it is an end'} |"
    yield ""


def _endings() -> Iterator[str]:
    yield "## Where a job goes when an attempt ends without completion\n"
    yield "*used up* counts the agent's own errors against `max_attempts`, and lost leases against `max_lost_leases`.\n"
    yield "| the attempt | cause | the job goes to | reason | counts |"
    yield "| --- | --- | --- | --- | --- |"
    for what, policy, ending in _cases():
        counts = []
        if ending.agent_errors > policy.agent_errors:
            counts.append("an agent error")
        if ending.lost_leases > policy.lost_leases:
            counts.append("a lost lease")
        reason = f"`{ending.state_reason}`" if ending.state_reason else _wait(ending)
        yield f"| {what} | `{ending.cause}` | `{ending.state}` | {reason} | {', '.join(counts) or 'nothing'} |"
    yield ""


def _cases() -> Iterator[tuple[str, AttemptPolicy, Ending]]:
    fresh, worn = _policy(OnLost.REQUEUE), _policy(OnLost.REQUEUE, agent_errors=2, lost_leases=2)
    yield "failed, attempts left", fresh, after_failure(fresh, 0.5)
    yield "failed, attempts used up", worn, after_failure(worn, 0.5)
    yield "lost, `on_lost: requeue`", fresh, after_lost_lease(fresh, 0.5)
    again = _policy(OnLost.REQUEUE, lost_leases=1)
    yield "lost again, `on_lost: requeue`", again, after_lost_lease(again, 0.5)
    for choice in (OnLost.HOLD, OnLost.FAIL):
        policy = _policy(choice)
        yield f"lost, `on_lost: {choice}`", policy, after_lost_lease(policy, 0.5)
    yield "lost, lost leases used up", worn, after_lost_lease(worn, 0.5)
    yield "broken off by its machine", fresh, handed_back(fresh, AttemptCause.INFRASTRUCTURE)
    yield "out of quota, until its reset", fresh, handed_back(fresh, AttemptCause.QUOTA, 60.0)
    yield "handed back", fresh, handed_back(fresh, AttemptCause.OPERATOR)
    for choice in OnGateFailed:
        gate = after_gate_failure(fresh, StateReason.GATE_FAILED, choice, 0)
        yield f"said it was done; the gate failed, `on_gate_failed: {choice}`", fresh, gate
    gate = after_gate_failure(fresh, StateReason.GATE_FAILED, OnGateFailed.RETRY_ONCE, 1)
    yield "the same, once more", fresh, gate
    misfit = after_gate_failure(fresh, StateReason.CONTRACT_REJECTED, OnGateFailed.STUCK, 0)
    yield "could not make its results fit the contract", fresh, misfit
    asked = ended_by(fresh, JobState.CANCELLED, AttemptCause.OPERATOR, StateReason.OPERATOR)
    yield "ended in any way after a cancel was asked for", fresh, asked


def _policy(on_lost: OnLost, agent_errors: int = 0, lost_leases: int = 0) -> AttemptPolicy:
    return AttemptPolicy(on_lost, 3, 3, agent_errors, lost_leases)


def _wait(ending: Ending) -> str:
    return "after a back-off" if ending.delay else "at once"


def _acts() -> Iterator[str]:
    yield "## What a person may do\n"
    yield "| act | from | to | audit event |"
    yield "| --- | --- | --- | --- |"
    for act, (target, _reason, event) in MOVES.items():
        sources = [state for state, targets in TRANSITIONS.items() if target in targets]
        if act == "resume":
            sources.remove(JobState.RUNNING)
        yield f"| {act} | {_listed(sources)} | `{target}` | `{event}` |"
    yield f"| requeue | {_listed([JobState.STUCK, JobState.PAUSED])} | `pending`, in its own place | `job_requeued` |"
    yield f"| requeue | {_listed(_in_order(TERMINAL))} | a new job with `retry_of` | `jobs_enqueued` |"
    yield ""
    yield CANCELLING


def _repairs() -> Iterator[str]:
    yield "\n## The life of a repair\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> proposed"
    for old, targets in REPAIR_TRANSITIONS.items():
        for new in sorted(targets, key=list(REPAIR_TRANSITIONS).index):
            yield f"    {old} --> {new}"
        if not targets:
            yield f"    {old} --> [*]"
    yield "```\n"
    yield REPAIRING


def _in_order(states: frozenset[JobState]) -> list[JobState]:
    return [state for state in JobState if state in states]


def _incidents() -> Iterator[str]:
    yield "\n## The life of an incident\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> open"
    yield "    [*] --> needs_human"
    for state, targets in INCIDENT_TRANSITIONS.items():
        for target in _in_order(targets):
            yield f"    {state} --> {target}"
    yield "    resolved --> [*]"
    yield "```\n"
    yield INCIDENTS
    yield "| state | what it means | goes to |"
    yield "| --- | --- | --- |"
    for incident_state in IncidentState:
        after = _listed(_in_order(INCIDENT_TRANSITIONS[incident_state]))
        end = after if incident_state in UNRESOLVED else "nowhere: it is an end"
        yield f"| `{incident_state}` | {MEANINGS[incident_state]} | {end} |"


def _in_order(states: frozenset[State]) -> list[State]:
    return sorted(states, key=lambda state: list(type(state)).index(state))


def _listed(states: Sequence[StrEnum]) -> str:
    return ", ".join(f"`{state}`" for state in states)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
