"""The readiness document of the loop, made of facts that were counted: the same keys and types as the source's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.host_guard.lanes import ALERT_LANES
from watchkeeper.domain.host_guard.readiness_parts import (
    ALLOWED,
    ASSETS,
    AUTHORITY,
    COUNTED,
    GATE,
    NEXT_STEPS,
    OFF,
    SCHEMA_VERSION,
    SOURCE_REFS,
    STAGES,
    Stage,
)

MARKER_CHARS = 8
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HostNow:
    """What is known of the host that the document is about; `is_up` False where no scan of it is fresh."""

    label: str
    is_up: bool
    orphan_browser_groups: int = 0
    active_ci_containers: int = 0
    load5_upper: float = 0.0
    swap_upper: float = 0.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """What runs: the build's revision, what a command says of its rollout, and how many addresses it answers."""

    revision: str
    routes: int
    sync: str = UNKNOWN
    health: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Readiness:
    """The facts: `holds` says of each item of a stage whether it does, `counts` how often each act was done."""

    at: datetime
    host: HostNow
    deployed: Deployed
    holds: Mapping[str, bool]
    counts: Mapping[str, int]
    alerts_firing: int
    forbidden_hits: int
    has_fixture: bool
    has_drill: bool


def document(facts: Readiness) -> dict[str, Any]:
    """Write the document."""
    stages = [_stage(stage, facts.holds) for stage in STAGES]
    back = _readback(facts)
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": facts.at.isoformat(),
        "program_status": _status(facts, stages),
        "source_refs": list(SOURCE_REFS),
        "rollups": {
            "loop_stage_count": len(stages),
            "alert_lane_count": len(ALERT_LANES),
            "asset_writeback_contract_count": len(ASSETS),
            "source_ref_count": len(SOURCE_REFS),
            "live_readback_metric_count": sum(isinstance(value, int | float) for value in back.values()),
            "blocked_runtime_action_count": len({one for stage in STAGES for one in stage.blocked}),
            **{name: facts.counts[name] for name in COUNTED},
        },
        "loop_stages": stages,
        "alert_lanes": [_lane(lane) for lane in ALERT_LANES],
        "asset_writeback_contract": [
            {
                "asset_id": asset,
                "display_name": name,
                "required_on_real_incident": True,
                "live_write_enabled": False,
                "required_fields": list(fields),
            }
            for asset, name, fields in ASSETS
        ],
        "live_readback": back,
        "remediation_gate": dict(GATE),
        "activation_boundaries": dict.fromkeys(ALLOWED, True) | dict.fromkeys(OFF, False),
        "next_steps": [
            {"step_id": step, "description": text, "runtime_write_allowed": False}
            for step, text in NEXT_STEPS
        ],
    }


def _status(facts: Readiness, stages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say how far the whole is: the share of all items that hold, and the first step that nothing has shown yet."""
    items = [item for stage in STAGES for item in stage.items]
    waiting = [
        step for (step, _), is_done in zip(NEXT_STEPS, (facts.has_fixture, facts.has_drill), strict=True)
        if not is_done
    ]  # fmt: skip
    unfinished = [stage["stage_id"] for stage in stages if stage["completion_percent"] < 100]
    following = [*unfinished, *waiting, "none"]
    missing = [item.replace("_", " ") for item in items if not facts.holds[item]]
    return {
        "overall_completion_percent": _percent(sum(facts.holds[item] for item in items), len(items)),
        "current_priority": "P1" if facts.alerts_firing else "P3",
        "current_task_id": following[0],
        "next_task_id": following[min(1, len(following) - 1)],
        "read_only_mode": True,
        "runtime_authority": AUTHORITY,
        "status_note": "Every item of the loop holds."
        if not missing
        else f"Not shown: {', '.join(missing)}.",
    }


def _stage(stage: Stage, holds: Mapping[str, bool]) -> dict[str, Any]:
    percent = _percent(sum(holds[item] for item in stage.items), len(stage.items))
    return {
        "stage_id": stage.stage_id,
        "display_name": stage.display_name,
        "owner_agent": stage.owner_agent,
        "status": stage.done if percent == 100 else "not_shown_yet",
        "completion_percent": percent,
        "evidence_refs": list(stage.evidence_refs),
        "next_action": stage.next_action,
        "blocked_runtime_actions": list(stage.blocked),
    }


def _lane(lane: Any) -> dict[str, Any]:
    return {
        "alertname": lane.alertname,
        "lane_id": lane.lane_id,
        "classification": lane.classification,
        "action_policy": lane.action_policy,
        "dry_run_allowed": lane.dry_run_allowed,
        "apply_allowed_without_owner_gate": False,
        "runtime_write_gate": 0,
        "next_action": lane.next_action,
    }


def _readback(facts: Readiness) -> dict[str, Any]:
    host, deployed = facts.host, facts.deployed
    return {
        "host_label": host.label,
        "monitor_up": int(host.is_up),
        "orphan_browser_group_count": host.orphan_browser_groups,
        "active_ci_container_count": host.active_ci_containers,
        "load5_per_core_upper_observed": round(host.load5_upper, 2),
        "swap_used_ratio_upper_observed": round(host.swap_upper, 2),
        "remediation_authorized_count": facts.counts["runtime_remediation_authorized_count"],
        "alerts_firing_count": facts.alerts_firing,
        "deploy_marker": deployed.revision[:MARKER_CHARS],
        "runtime_revision": deployed.revision,
        "argocd_sync": deployed.sync,
        "argocd_health": deployed.health,
        "production_route_count": deployed.routes,
        "forbidden_public_hit_count": facts.forbidden_hits,
    }


def _percent(part: int, of: int) -> int:
    return 100 * part // of
