"""What of the readiness document is fixed, as the source's has it: stages, lanes, assets, gate, flags.

The gate's words are constants that no setting changes. Three flags allow to read, tell and rehearse; the others would
allow to act outside, and none is on.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = "host_runaway_aiops_loop_readiness_v1"
AUTHORITY = "host_runaway_aiops_loop_readiness_only_no_host_write"

SOURCE_REFS = (
    "src/watchkeeper/services/host_guard/export.py",
    "src/watchkeeper/domain/host_guard/packet.py",
    "src/watchkeeper/services/host_guard/receiving.py",
    "deploy/prometheus/host_guard.rules.yml",
    "deploy/prometheus/alertmanager.yml",
    "docs/host-guard.md",
    "docs/runbooks/host_orphan_browser.md",
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the loop: `items` are the facts of which each that holds is a part of its completion."""

    stage_id: str
    display_name: str
    owner_agent: str
    done: str
    items: tuple[str, ...]
    evidence_refs: tuple[str, ...]
    next_action: str
    blocked: tuple[str, str]


STAGES = (
    Stage(
        "read_only_host_textfile_exporter",
        "Textfile exporter",
        "host_guard",
        "production_readback_complete",
        ("a_host_was_scanned", "no_scan_is_stale"),
        ("src/watchkeeper/services/host_guard/export.py", "host_runaway_process.prom"),
        "Keep the scan every two minutes; while the monitor is missing or stale, repair that first and claim no green.",
        ("process_termination", "docker_restart"),
    ),
    Stage(
        "prometheus_alert_rules",
        "Prometheus alert lanes",
        "prometheus",
        "deployed",
        ("an_alert_was_received", "no_alert_was_left_out"),
        ("deploy/prometheus/host_guard.rules.yml", "deploy/prometheus/alertmanager.yml"),
        "HostOrphanBrowserSmokeHighCpu tells of orphans, HostCiRunnerLoadSaturation of CI's lawful load.",
        ("auto_silence", "auto_restart"),
    ),
    Stage(
        "telegram_ai_event_packet",
        "Event packet",
        "host_guard",
        "production_deployed",
        ("a_packet_was_kept", "no_incident_waits_for_a_packet"),
        ("src/watchkeeper/domain/host_guard/packet.py", "src/watchkeeper/domain/host_guard/card.py"),
        "Each alert that fires gets a packet of its lane, with dry run, owner and evidence gates.",
        ("telegram_direct_send_without_gate", "bot_api_call_without_receipt"),
    ),
    Stage(
        "playbook_contract",
        "Runaway playbook",
        "platform_owner",
        "ready",
        ("every_rule_has_a_runbook",),
        ("docs/runbooks/host_orphan_browser.md", "docs/runbooks/host_ci_saturation.md"),
        "Go by monitor, alert, triage, dry run, approval, post-check, in this order.",
        ("skip_dry_run", "skip_post_check"),
    ),
    Stage(
        "km_verifier_writeback_contract",
        "Knowledge and verifier write-back contract",
        "verifier",
        "contract_ready",
        ("no_lane_incident_closed_without_assets",),
        ("docs/host-guard.md", "docs/knowledge.md"),
        "A real incident writes its five assets in one transaction, and does not close without them.",
        ("claim_closed_without_km", "claim_closed_without_verifier"),
    ),
    Stage(
        "gated_remediation_helper",
        "Gated remediation helper",
        "platform_owner",
        "dry_run_ready_apply_blocked",
        ("no_remediation_without_approval",),
        ("docs/host-guard.md", "docs/runbooks/host_orphan_browser.md"),
        "The smallest SIGTERM, only with approval, window, evidence, rule, dry run and post-check.",
        ("sigkill", "restart_service"),
    ),
)

ASSETS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "knowledge_base_incident_summary",
        "Knowledge base incident summary",
        ("incident_id", "root_cause", "evidence_refs", "post_check_result"),
    ),
    (
        "playbook_trust_evidence",
        "Playbook trust evidence",
        ("playbook_id", "matched_rule", "success_or_failure", "negative_reinforcement_note"),
    ),
    (
        "awooop_work_item_truth_chain",
        "Work item truth chain",
        ("owner", "status", "approval_ref", "maintenance_window"),
    ),
    (
        "verifier_post_check",
        "Verifier post-check",
        ("before_metrics", "after_metrics", "alert_state", "service_health"),
    ),
    (
        "recurrence_guard",
        "Recurrence guard",
        ("prometheus_metric", "alert_lane", "owner_followup", "next_review_at"),
    ),
)

GATE = {
    "dry_run_required": True,
    "owner_approval_required": True,
    "maintenance_window_required": True,
    "evidence_ref_required": True,
    "post_check_required": True,
    "allowed_signal_after_gate": "SIGTERM",
    "process_termination_authorized": False,
    "disallowed_actions": [
        "SIGKILL",
        "docker restart",
        "systemctl restart",
        "nginx reload",
        "firewall change",
        "kubectl action",
        "secret read",
        "production write",
    ],
}

ALLOWED = ("read_only_readback_allowed", "ai_triage_packet_allowed", "dry_run_generation_allowed")
OFF = (
    "runtime_remediation_enabled",
    "process_termination_authorized",
    "telegram_send_enabled",
    "gateway_queue_write_enabled",
    "bot_api_call_enabled",
    "host_write_enabled",
    "docker_restart_enabled",
    "systemd_restart_enabled",
    "nginx_reload_enabled",
    "firewall_change_enabled",
    "kubectl_action_enabled",
    "production_write_enabled",
    "secret_read_enabled",
)
COUNTED = (
    "runtime_remediation_authorized_count",
    "telegram_send_count",
    "gateway_queue_write_count",
    "bot_api_call_count",
    "host_write_count",
    "process_termination_count",
    "docker_restart_count",
    "systemd_restart_count",
    "nginx_reload_count",
    "firewall_change_count",
    "kubectl_action_count",
    "production_write_count",
)

NEXT_STEPS = (
    (
        "real_alert_receipt_fixture",
        "The next real alert, or a redacted one, shows that card, work item, knowledge, playbook and verifier agree.",
    ),
    (
        "owner_approved_apply_drill",
        "Only in a window that a person opened is a gated SIGTERM rehearsed on a fixture, with its post-check.",
    ),
)
