"""How far a plan may go by itself, and who is called."""

from __future__ import annotations

import pytest

from watchkeeper.domain.policies import PROTECTING, Contact, Policy, PolicyMode, RuleChange
from watchkeeper.domain.rules.names import RepairAction, RuleName

RULE = RuleName.LEASE_EXPIRED


@pytest.mark.parametrize("action", [RepairAction.RELEASE, RepairAction.RECLAIM])
def test_own_jobs_are_taken_back_alone_and_mirrored_ones_by_a_supervisor(action: RepairAction) -> None:
    """Fencing makes it safe for the own queue; for somebody else's a person decides."""
    assert Policy().mode(RULE, action, is_mirrored=False) is PolicyMode.AUTO
    assert Policy().mode(RULE, action, is_mirrored=True) is PolicyMode.SUPERVISOR


def test_what_needs_a_person_is_never_done_alone_though_a_rule_says_auto() -> None:
    """The list of what needs a person stands over every rule, and takes nothing from a stricter one."""
    for mode, holds in (("auto", "supervisor"), ("owner", "owner"), ("observe", "observe"), ("off", "off")):
        policy = Policy(
            rules={RULE: RuleChange(mode=PolicyMode(mode))},
            never_without_a_person=frozenset({RepairAction.RECLAIM}),
        )
        assert policy.mode(RULE, RepairAction.RECLAIM, is_mirrored=False) == holds


@pytest.mark.parametrize("action", RepairAction)
def test_a_list_of_allowed_healing_leaves_the_rest_to_a_supervisor(action: RepairAction) -> None:
    """What the list names is done, what it does not name waits; what only keeps harm off is always done."""
    policy = Policy(allowed=frozenset({RepairAction.RETOUCH}))
    is_free = action is RepairAction.RETOUCH or action in PROTECTING
    expected = PolicyMode.AUTO if is_free else PolicyMode.SUPERVISOR
    assert policy.mode(RuleName.DOCTOR_FAILED, action, is_mirrored=False) is expected


def test_nobody_is_called_in_vain() -> None:
    """An escalation name that nobody stands for calls the owner, by the policy's own channels."""
    policy = Policy(owner="ana", alert_channels=("ops",), contacts={"pool_owner": Contact("bo", ("pager",))})
    assert policy.contact("pool_owner") == Contact("bo", ("pager",))
    assert policy.contact("supervisor") == Contact("ana", ("ops",))


def test_people_are_always_told_of_what_is_critical() -> None:
    """A list of what to tell people of may leave out much, but nothing that stops a worker or is critical."""
    policy = Policy(notify_on=frozenset({RuleName.ARTIFACT_MISSING}))
    assert {rule for rule in RuleName if policy.notifies(rule)} == {
        RuleName.ARTIFACT_MISSING,
        RuleName.SILENT_LOOP,
        RuleName.MULTIPLE_PRIMARY_JOBS,
        RuleName.SECRET_EXPOSED,
        RuleName.HIDDEN_FAILURE,
        RuleName.JOB_NOT_FOUND_AFTER_CLAIM,
        RuleName.ARTIFACT_LOST,
        RuleName.WATCHDOG_BLIND,
    }
