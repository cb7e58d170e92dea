"""The alerts on hosts: the two lanes, as the source's readiness document names them, and those of the guard itself."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.host_guard.evidence import Lane
from watchkeeper.domain.rules.names import RuleName

SELF_LANE = "self"
"""The lane of alerts on the guard itself: while one fires, nothing is known of the other two."""


@dataclass(frozen=True, slots=True)
class HostAlert:
    """An alert of Prometheus, and the rule whose incident it is."""

    alertname: str
    rule: RuleName
    lane_id: str
    classification: str
    action_policy: str


@dataclass(frozen=True, slots=True)
class AlertLane(HostAlert):
    """What an alert of a lane may lead to. Its incident closes only once its five assets are written."""

    dry_run_allowed: bool
    next_action: str


ORPHAN_LANE = AlertLane(
    "HostOrphanBrowserSmokeHighCpu",
    RuleName.HOST_ORPHAN_BROWSER,
    "orphan_browser_smoke_runaway_process",
    "host_resource_runaway_process",
    "triage_packet_then_dry_run_then_gated_sigterm",
    True,
    "Read the packet, let its dry run be approved by a second person, and only then end the targets with SIGTERM.",
)
CI_LANE = AlertLane(
    "HostCiRunnerLoadSaturation",
    RuleName.HOST_CI_SATURATION,
    "ci_runner_load_saturation",
    "host_resource_capacity",
    "capacity_triage_no_process_remediation",
    False,
    "Look at the runner's queue, the load for each core and the swap. No process of CI is ended for that.",
)
ALERT_LANES = (ORPHAN_LANE, CI_LANE)
MONITOR_ALERTS = tuple(
    HostAlert(name, rule, SELF_LANE, "observability", "report_only_no_process_remediation")
    for name, rule in (
        ("HostRunawayMonitorMissing", RuleName.HOST_MONITOR_MISSING),
        ("HostRunawayMonitorStale", RuleName.HOST_MONITOR_STALE),
    )
)

HOST_ALERTS: dict[str, HostAlert] = {alert.alertname: alert for alert in (*ALERT_LANES, *MONITOR_ALERTS)}
OF_RULE: dict[RuleName, HostAlert] = {alert.rule: alert for alert in HOST_ALERTS.values()}
NEED_ASSETS = frozenset(lane.rule for lane in ALERT_LANES)
"""Rules whose incidents close only once the five assets are written."""

LANE_OF = {Lane.ORPHAN: ORPHAN_LANE, Lane.CI: CI_LANE}
"""A group of any other lane is reported, and nothing may be done about it."""
