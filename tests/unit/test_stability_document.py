"""The stability watchdog's document loads as it was published, and Watchkeeper then behaves as it says."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.documents import read_file
from watchkeeper.domain.config.statuses import accepted_statuses
from watchkeeper.domain.config_document import read_document
from watchkeeper.domain.heartbeat_checks import judge
from watchkeeper.domain.metric_table import metrics
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.rules.names import NextAction, RepairAction, RuleName

FILE = Path(__file__).parents[2] / "examples" / "codex_session_watchdog_v1.yaml"


TABLE = """\
lease_expiring_with_claimed_job less_than_5_minutes high pls_platform_owner pending alert_and_retouch
complete_rejected one_failure high codex_worker_maintainer pending add_missing_kind_or_escalate
job_not_found_after_claim one_failure critical pls_platform_owner pending preserve_artifact_and_alert
artifact_missing claimed_job_without_verified_artifact high codex_worker_maintainer pending publish_or_fail_with_reason
repeated_no_job three_consecutive_claims medium pls_ops pending inspect_backlog_capabilities
""".splitlines()


def loaded() -> Policy:
    return read_document(read_file(FILE), FILE.name).policy


def test_its_head_is_kept() -> None:
    """Version, owner, zone and the time between heartbeats are those of the document."""
    policy = loaded()
    assert policy.version == "codex_session_watchdog_v1"
    assert (policy.owner, policy.time_zone) == ("pls_platform_owner", "Asia/Taipei")
    assert policy.heartbeat_interval_seconds == 600


def test_its_thresholds_hold() -> None:
    """A lease warns at five minutes, three empty claims are a loop, and one failure is enough for the others."""
    limits = loaded().thresholds
    assert limits.lease_near_expiry_seconds == 300
    assert (limits.no_job_heartbeats, limits.jobs_not_found) == (3, 1)
    assert (limits.complete_rejections, limits.missing_deliverable_ids) == (1, 1)


def test_a_refused_completion_alerts_at_the_first() -> None:
    """With its count of 1 nobody waits for the one retry, as without the document."""
    change = loaded().rules[RuleName.COMPLETE_REJECTED]
    assert change.escalate_after == 0


def test_its_list_of_self_healing_is_all_that_is_done_alone() -> None:
    """What it allows is done, what it does not name waits for a supervisor."""
    policy = loaded()
    alone = {
        action
        for action in RepairAction
        if policy.mode(RuleName.QUEUE_STUCK, action, is_mirrored=False) is PolicyMode.AUTO
    }
    assert alone == {
        RepairAction.RETOUCH,
        RepairAction.ASK_RENEWAL,
        RepairAction.PUBLISH_ARTIFACT,
        RepairAction.REPAIR_CONTRACT,
        RepairAction.RETRY_COMMAND,
        RepairAction.PROPOSE,
        RepairAction.ALERT,
        RepairAction.BLOCK_COMPLETE,
        RepairAction.STOP_WORKER,
        RepairAction.FREEZE_VERDICTS,
    }


def test_no_job_is_taken_from_a_worker_without_a_person() -> None:
    """`force_release_running_job` requires a human, for own jobs and mirrored ones."""
    policy = loaded()
    for action in (RepairAction.RELEASE, RepairAction.RECLAIM):
        for is_mirrored in (False, True):
            mode = policy.mode(RuleName.LEASE_EXPIRED, action, is_mirrored=is_mirrored)
            assert mode is PolicyMode.SUPERVISOR


def test_its_own_owners_and_next_actions_stand() -> None:
    """Each of its alerts calls the owner of its table, by its channel, with the action of its table."""
    policy = loaded()
    expected = {
        RuleName.LEASE_NEAR_EXPIRY: ("pls_platform_owner", NextAction.RETOUCH),
        RuleName.COMPLETE_REJECTED: ("codex_worker_maintainer", NextAction.REPAIR_CONTRACT),
        RuleName.JOB_NOT_FOUND_AFTER_CLAIM: ("pls_platform_owner", NextAction.INSPECT_QUEUE),
        RuleName.ARTIFACT_MISSING: ("codex_worker_maintainer", NextAction.REPAIR_CONTRACT),
        RuleName.CLAIM_LOOP_IDLE: ("pls_ops", NextAction.INSPECT_QUEUE),
    }
    for rule, (owner, action) in expected.items():
        change = policy.rules[rule]
        assert change.escalation is not None
        contact = policy.contact(change.escalation)
        assert (contact.person, contact.channels) == (owner, ("line_or_pls_ops",))
        assert change.next_action is action
        assert policy.notifies(rule)
    assert not policy.notifies(RuleName.QUEUE_STUCK)
    assert policy.contact("supervisor").person == "pls_platform_owner"


def test_its_checks_judge_a_heartbeat() -> None:
    """A redirect counts as opened, as it says; a step that failed is named."""
    policy = loaded()
    heartbeat = {
        "doctor": {"ok": True, "token_present": True, "touch": {"ok": True}},
        "touch": {"ok": True, "touched": True},
        "claim": {"ok": True, "job": {"id": "J"}},
        "context": {"ok": True},
        "progress": {"status": "stuck"},
        "artifact": {"primary_artifact_url_http_status": 302},
        "complete": {"ok": True, "status": "completed"},
    }
    verdicts = judge(policy.checks, heartbeat)
    assert {name for name, verdict in verdicts.items() if verdict.state != "pass"} == {"progress"}
    artifact = next(check for check in policy.checks if check.name == "artifact")
    assert accepted_statuses(artifact.passes.text) == (200, 302)


def test_its_metrics_table_is_the_published_one() -> None:
    """The report has the five lines of its table to the letter, their state apart."""
    lines = [
        f"{one.name} {one.threshold} {one.severity} {one.owner} pending {one.next_action}"
        for one in metrics(loaded())
    ]
    assert lines == TABLE


def test_without_the_document_the_table_has_the_defaults() -> None:
    """The same table tells what holds without any document."""
    found = {one.name: one for one in metrics(Policy())}
    assert found["lease_expiring_with_claimed_job"].threshold == "less_than_3_minutes"
    assert found["complete_rejected"].threshold == "two_failures"
    assert {one.owner for one in found.values()} == {"owner"}


def test_its_channel_is_named_in_a_note() -> None:
    """It loads as it was published; whoever checks it learns that its channel is to be turned on first."""
    [note] = read_document(read_file(FILE), FILE.name).notes
    assert "'line_or_pls_ops'" in note
    assert "'watchkeeper channel on line_or_pls_ops'" in note
