"""The five assets that a host incident leaves: what each must say, as the source's readiness document names them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from watchkeeper.domain.errors import UsageError


class Asset(StrEnum):
    KNOWLEDGE = "knowledge_base_incident_summary"
    TRUST = "playbook_trust_evidence"
    WORK_ITEM = "awooop_work_item_truth_chain"
    VERIFIER = "verifier_post_check"
    RECURRENCE = "recurrence_guard"


REQUIRED: dict[Asset, tuple[str, ...]] = {
    Asset.KNOWLEDGE: ("incident_id", "root_cause", "evidence_refs", "post_check_result"),
    Asset.TRUST: ("playbook_id", "matched_rule", "success_or_failure", "negative_reinforcement_note"),
    Asset.WORK_ITEM: ("owner", "status", "approval_ref", "maintenance_window"),
    Asset.VERIFIER: ("before_metrics", "after_metrics", "alert_state", "service_health"),
    Asset.RECURRENCE: ("prometheus_metric", "alert_lane", "owner_followup", "next_review_at"),
}


def lacking(assets: Mapping[Asset, Mapping[str, Any]]) -> list[str]:
    """Name each asset that is missing, and each required field that is missing or says nothing."""
    found = []
    for asset, required in REQUIRED.items():
        if asset not in assets:
            found.append(asset.value)
            continue
        found += [f"{asset.value}.{name}" for name in required if not _says(assets[asset].get(name))]
    return found


def demand_all(assets: Mapping[Asset, Mapping[str, Any]]) -> None:
    """Raise UsageError, naming all that is missing, unless the five are whole."""
    if missing := lacking(assets):
        raise UsageError(
            "the five assets are not whole", hint=f"Say also: {', '.join(missing)}.", missing=missing
        )


def _says(value: Any) -> bool:
    return value is not None and value != "" and value != [] and value != {}
