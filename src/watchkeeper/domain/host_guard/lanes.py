"""The two lanes of alerts, as the source's readiness document names them, and what each allows."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.host_guard.evidence import Lane


@dataclass(frozen=True, slots=True)
class AlertLane:
    """What an alert of Prometheus means, and what may follow from it."""

    alertname: str
    lane_id: str
    classification: str
    action_policy: str
    dry_run_allowed: bool
    next_action: str


ORPHAN_LANE = AlertLane(
    "HostOrphanBrowserSmokeHighCpu",
    "orphan_browser_smoke_runaway_process",
    "host_resource_runaway_process",
    "triage_packet_then_dry_run_then_gated_sigterm",
    True,
    "Read the packet, let its dry run be approved by a second person, and only then end the targets with SIGTERM.",
)
CI_LANE = AlertLane(
    "HostCiRunnerLoadSaturation",
    "ci_runner_load_saturation",
    "host_resource_capacity",
    "capacity_triage_no_process_remediation",
    False,
    "Look at the runner's queue, the load for each core and the swap. No process of CI is ended for that.",
)
ALERT_LANES = (ORPHAN_LANE, CI_LANE)

LANE_OF = {Lane.ORPHAN: ORPHAN_LANE, Lane.CI: CI_LANE}
"""A group of any other lane is reported, and nothing may be done about it."""
