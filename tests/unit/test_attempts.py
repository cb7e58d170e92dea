"""Where a job goes when an attempt ends, as a table of cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.attempts import (
    INFRASTRUCTURE_DELAY_SECONDS,
    AttemptPolicy,
    after_failure,
    after_lost_lease,
    ended_by,
    handed_back,
)
from watchkeeper.domain.jobs import TERMINAL, AttemptCause, JobState, OnLost, StateReason, may_move

POLICIES = st.builds(
    AttemptPolicy,
    st.sampled_from(OnLost),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(0, 6),
    st.integers(0, 6),
)
JITTER = st.floats(0, 1, exclude_max=True)


@given(POLICIES, JITTER)
def test_only_an_agent_s_own_error_uses_up_attempts(policy: AttemptPolicy, jitter: float) -> None:
    """A failure counts one agent error, and ends the job exactly when max_attempts is reached."""
    ending = after_failure(policy, jitter)
    assert (ending.agent_errors, ending.lost_leases) == (policy.agent_errors + 1, policy.lost_leases)
    assert (ending.state is JobState.FAILED) == (ending.agent_errors >= policy.max_attempts)
    assert (ending.code == "E-RUN-002") == (ending.state is JobState.FAILED)
    assert ending.state is JobState.FAILED or ending.delay >= 7.5


@given(POLICIES, JITTER)
def test_a_lost_lease_goes_by_the_kind_until_it_is_too_many(policy: AttemptPolicy, jitter: float) -> None:
    """A lost lease counts as one, never as an agent error; max_lost_leases quarantines whatever the kind says."""
    ending = after_lost_lease(policy, jitter)
    assert (ending.agent_errors, ending.lost_leases) == (policy.agent_errors, policy.lost_leases + 1)
    if ending.lost_leases >= policy.max_lost_leases or policy.on_lost is OnLost.FAIL:
        assert (ending.state, ending.state_reason) == (JobState.FAILED, StateReason.QUARANTINED)
    elif policy.on_lost is OnLost.HOLD:
        assert (ending.state, ending.state_reason) == (JobState.PAUSED, StateReason.HELD_SIDE_EFFECTS)
    else:
        assert ending.state is JobState.PENDING
        assert (ending.delay == 0) == (ending.lost_leases == 1)


@given(POLICIES, st.sampled_from([AttemptCause.INFRASTRUCTURE, AttemptCause.QUOTA, AttemptCause.OPERATOR]))
def test_what_is_nobody_s_fault_uses_up_nothing(policy: AttemptPolicy, cause: AttemptCause) -> None:
    """A hand-back, a broken machine and an empty quota leave the counters as they were."""
    ending = handed_back(policy, cause, 5.0)
    assert ending.state is JobState.PENDING
    assert (ending.agent_errors, ending.lost_leases) == (policy.agent_errors, policy.lost_leases)
    assert ending.delay == (INFRASTRUCTURE_DELAY_SECONDS if cause is AttemptCause.INFRASTRUCTURE else 5.0)


@pytest.mark.parametrize("state", [JobState.STUCK, JobState.PAUSED, JobState.CANCELLED, JobState.FAILED])
def test_somebody_s_decision_is_kept_with_its_reason(state: JobState) -> None:
    """A gate's or a person's end goes where it says, for the reason it gives."""
    policy = AttemptPolicy(OnLost.HOLD, 3, 3, 1, 1)
    ending = ended_by(policy, state, AttemptCause.OPERATOR, StateReason.OPERATOR)
    assert (ending.state, ending.state_reason, ending.outcome) == (state, StateReason.OPERATOR, state.value)
    assert (ending.agent_errors, ending.lost_leases) == (1, 1)


@given(POLICIES, JITTER)
def test_every_ending_is_a_transition_of_the_table(policy: AttemptPolicy, jitter: float) -> None:
    """No attempt ends in a way that the published transitions do not know."""
    for ending in (after_failure(policy, jitter), after_lost_lease(policy, jitter)):
        assert may_move(JobState.RUNNING, ending.state)
        assert ending.state in TERMINAL or ending.code is None
