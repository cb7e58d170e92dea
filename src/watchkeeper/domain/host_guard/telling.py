"""What an act that is over leaves in the five assets: each field from a row, and nothing from an opinion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.host_guard.after import Outcome
from watchkeeper.domain.host_guard.assets import Asset
from watchkeeper.domain.host_guard.trust import Trust
from watchkeeper.domain.rules.names import RuleName

METRICS = {
    RuleName.HOST_ORPHAN_BROWSER.value: "host_runaway_process_orphan_browser_cpu_cores",
    RuleName.HOST_CI_SATURATION.value: "host_runaway_process_load5_per_core",
}
"""By which metric each rule's incident would be seen again."""

NO_PLAYBOOK, NOT_MEASURED = "none", "not measured"
NOTHING_DONE = "none: nothing was done to a process"

LESSONS = {
    Outcome.VERIFIED: "none: it did what it says",
    Outcome.INEFFECTIVE: "the signal did not end it, or it came back: look why the session's own sweep left it",
    Outcome.HARMFUL: "a bystander was lost: the playbook is not to be used until a person has found out why",
    Outcome.NO_DATA: "the looks after it were not made: see that 'watchkeeper watch' runs on that host",
    Outcome.SUPERSEDED: "nothing was sent: the plan was older than what stood on the host",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One act that is over, as the database has it."""

    incident_id: str
    rule: str
    incident_state: str
    owner: str
    remediation_id: str
    packet: Mapping[str, Any]
    evidence_ref: str
    playbook: str
    fingerprint: str
    outcome: Outcome
    note: str
    asked_by: str
    approved_by: Sequence[str]
    window_id: str
    results: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    trust: Trust
    now: datetime
    guarded_until: datetime


def assets_of(told: Told) -> dict[Asset, dict[str, Any]]:
    """Give the five assets of an act that is over."""
    return {
        Asset.KNOWLEDGE: _knowledge(told),
        Asset.TRUST: _trust(told),
        Asset.WORK_ITEM: _work_item(told),
        Asset.VERIFIER: _verifier(told),
        Asset.RECURRENCE: _recurrence(told),
    }


def _knowledge(told: Told) -> dict[str, Any]:
    facts = told.packet["facts"]
    session = facts.get("session")
    of = f" of job {session['job']}, attempt {session['attempt']}, which is over" if session else ""
    return {
        "incident_id": told.incident_id,
        "root_cause": f"a {facts['family']} outlived its session{of}",
        "evidence_refs": [
            told.evidence_ref,
            f"repair:{told.remediation_id}",
            f"packet:{told.packet['packet_id']}",
        ],
        "post_check_result": told.outcome.value,
        "because": list(facts["because"]),
        "action": f"{told.playbook}: {told.note}",
        "state": "proposed",
    }


def _trust(told: Told) -> dict[str, Any]:
    return {
        "playbook_id": told.playbook,
        "matched_rule": told.rule,
        "success_or_failure": "success" if told.outcome is Outcome.VERIFIED else "failure",
        "negative_reinforcement_note": LESSONS[told.outcome],
        **{name: value for name, value in told.trust.to_json().items() if name != "playbook"},
    }


def _work_item(told: Told) -> dict[str, Any]:
    return {
        "owner": told.owner,
        "status": told.outcome.value,
        "approval_ref": f"repair:{told.remediation_id}",
        "maintenance_window": f"window:{told.window_id}",
        "asked_by": told.asked_by,
        "approved_by": list(told.approved_by) or ["nobody"],
        "incident_id": told.incident_id,
        "lane": told.packet["lane"],
        "results": [dict(each) for each in told.results] or ["nothing was sent"],
    }


def _verifier(told: Told) -> dict[str, Any]:
    facts = told.packet["facts"]
    before = {name: facts[name] for name in ("cores", "cpu_seconds", "load5_per_core") if name in facts}
    done = [each for each in told.checks if each["done_at"] is not None]
    looked = [
        {"number": each["number"], "outcome": each["outcome"], **(each["facts"] or {})} for each in done
    ]
    gone = [each for look in looked for each in look.get("bystanders_gone", [])]
    return {
        "before_metrics": before,
        "after_metrics": looked or [{"outcome": told.outcome.value}],
        "alert_state": told.incident_state,
        "service_health": "degraded: a bystander is gone" if gone else _health(told.outcome),
    }


def _health(outcome: Outcome) -> str:
    return "unknown: there is no data" if outcome is Outcome.NO_DATA else "every bystander lives"


def _recurrence(told: Told) -> dict[str, Any]:
    return {
        "prometheus_metric": METRICS.get(told.rule, METRICS[RuleName.HOST_ORPHAN_BROWSER.value]),
        "alert_lane": told.packet["lane"],
        "owner_followup": f"{told.owner}: find out why the sweep of its session left it",
        "next_review_at": told.guarded_until.isoformat(),
        "fingerprint": told.fingerprint,
        "until": told.guarded_until.isoformat(),
        "from": told.now.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a host incident that no process was ended for."""

    root_cause: str
    service_health: str
    owner_followup: str
    by: str
    evidence_refs: tuple[str, ...] = ()


def assets_without_act(
    incident: Mapping[str, Any], said: Said, review_at: datetime
) -> dict[Asset, dict[str, Any]]:
    """Give the five assets of an incident without an act: a person's words, and what is known of incident and host."""
    rule, health = str(incident["rule"]), said.service_health
    return {
        Asset.KNOWLEDGE: {
            "incident_id": str(incident["id"]),
            "root_cause": said.root_cause,
            "evidence_refs": [*said.evidence_refs, f"incident:{incident['id']}"],
            "post_check_result": health,
            "state": "proposed",
        },
        Asset.TRUST: {
            "playbook_id": NO_PLAYBOOK,
            "matched_rule": rule,
            "success_or_failure": "not_used",
            "negative_reinforcement_note": "none: no process was ended",
        },
        Asset.WORK_ITEM: _unacted(incident, said),
        Asset.VERIFIER: {
            "before_metrics": incident["evidence"] or NOT_MEASURED,
            "after_metrics": incident["reading"] or NOT_MEASURED,
            "alert_state": incident["state"],
            "service_health": health,
        },
        Asset.RECURRENCE: {
            "prometheus_metric": METRICS.get(rule, METRICS[RuleName.HOST_ORPHAN_BROWSER.value]),
            "alert_lane": incident["lane"],
            "owner_followup": said.owner_followup,
            "next_review_at": review_at.isoformat(),
            "fingerprint": incident["fingerprint"],
        },
    }


def _unacted(incident: Mapping[str, Any], said: Said) -> dict[str, Any]:
    return {
        "owner": incident["owner"] or "owner",
        "status": incident["state"],
        "approval_ref": NOTHING_DONE,
        "maintenance_window": NOTHING_DONE,
        "incident_id": str(incident["id"]),
        "lane": incident["lane"],
        "written_by": said.by,
    }
