"""Every job that stands still has a class, a cause and a suggestion: for each value of the closed lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.diagnosis import (
    CAUSES,
    OF_RULES,
    REASONS,
    JobFacts,
    OpenIncident,
    StuckClass,
    diagnose,
)
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, WaitingReason
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import NextAction, RuleName, Severity
from watchkeeper.domain.waiting import WAITING

STANDING_STILL = [JobState.STUCK, JobState.PAUSED, JobState.FAILED]
INCIDENTS = st.builds(
    OpenIncident, st.sampled_from(RuleName), st.sampled_from(Severity), is_symptom=st.booleans()
)
FACTS = st.builds(
    JobFacts,
    st.sampled_from(STANDING_STILL),
    st.none() | st.sampled_from(StateReason),
    st.lists(st.sampled_from(AttemptCause), max_size=3),
    st.lists(INCIDENTS, max_size=3),
)


def test_each_value_of_the_closed_lists_has_its_words() -> None:
    """No state reason, attempt cause, rule or waiting reason is left without class, repair and what would change it."""
    assert set(REASONS) == set(StateReason)
    assert set(CAUSES) == set(AttemptCause)
    assert set(OF_RULES) == set(RuleName) == set(RULES)
    assert set(WAITING) == set(WaitingReason)


@given(FACTS)
def test_whatever_is_known_of_a_job_gives_a_class_and_a_suggestion(facts: JobFacts) -> None:
    """Any fact at all explains it; only a job of which nothing is recorded stays unexplained, and says so."""
    found = diagnose(facts)
    assert found.sentence
    assert found.changes
    assert found.is_classified is bool(facts.state_reason or facts.causes or facts.incidents)


def test_who_moved_the_job_is_believed_before_what_was_found() -> None:
    """The state's reason, then the gravest cause among incidents, then the last attempt; a person's word last."""
    gate = OpenIncident(RuleName.ARTIFACT_GATE_FAILED, Severity.HIGH)
    symptom = OpenIncident(RuleName.WATCHDOG_BLIND, Severity.CRITICAL, is_symptom=True)
    stuck = JobFacts(JobState.STUCK, StateReason.BUDGET, [AttemptCause.GATE], [gate])
    assert diagnose(stuck).stuck_class is StuckClass.BUDGET
    said = JobFacts(JobState.PAUSED, StateReason.OPERATOR, [AttemptCause.QUOTA], [symptom, gate])
    assert (diagnose(said).stuck_class, diagnose(said).cause) == (
        StuckClass.EVIDENCE,
        "incident:artifact_gate_failed",
    )
    assert diagnose(JobFacts(JobState.PAUSED, StateReason.OPERATOR)).stuck_class is StuckClass.OPERATOR
    lost = JobFacts(JobState.FAILED, None, [AttemptCause.LEASE_LOST, AttemptCause.AGENT_ERROR])
    assert diagnose(lost).stuck_class is StuckClass.LEASE_LOST


def test_an_incident_says_itself_what_is_to_be_done_next() -> None:
    """Where a complete failed that is to complete again, whatever its rule says else."""
    failed = OpenIncident(RuleName.FETCH_FAILED, Severity.MEDIUM, next_action=NextAction.RETRY_COMPLETE)
    plain = OpenIncident(RuleName.FETCH_FAILED, Severity.MEDIUM)
    found = [diagnose(JobFacts(JobState.RUNNING, incidents=[one])).next_action for one in (failed, plain)]
    assert found == [NextAction.RETRY_COMPLETE, NextAction.INSPECT_QUEUE]
