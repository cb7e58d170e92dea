"""The event packet of a machine where nothing of an alert's lane is to be seen: what the scan saw all the same."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.host_guard.figures import Judged
from watchkeeper.domain.host_guard.lanes import HostAlert
from watchkeeper.domain.host_guard.packet import SCHEMA, Told, digest_of


def absence(alert: HostAlert, told: Told, judged: tuple[Judged, ...]) -> dict[str, Any]:
    """Say of an alert that nothing is there any more that it could mean; nothing may be done on that."""
    scan = told.scan
    plan: dict[str, Any] = {
        "allowed": False,
        "signal": None,
        "targets": [],
        "what_ends_with_it": 0,
        "reversible": False,
    }
    lanes = [one.judgement.lane.value for one in judged]
    return {
        "schema_version": SCHEMA,
        "packet_id": digest_of([scan.boot_id, alert.alertname, "nothing"])[:16],
        "generated_at": scan.at,
        "host": told.host,
        "lane": alert.lane_id,
        "classification": alert.classification,
        "action_policy": alert.action_policy,
        "facts": {
            "level": "none",
            "because": ["no group of this lane is seen by this scan"],
            "processes": len(scan.processes),
            "unreadable": scan.unreadable,
            "groups": {lane: lanes.count(lane) for lane in sorted(set(lanes))},
            "load5_per_core": round(scan.load.load5 / scan.load.cores, 2),
            "swap_used_ratio": scan.load.swap_used,
        },
        "unknowns": ["what the alert saw: it is gone, or this scan could not read it"],
        "processes": [],
        "processes_left_out": 0,
        "dry_run": plan | {"digest": digest_of([told.host, plan])},
        "post_check": None,
        "gates": [
            {"gate": "targets", "met": False, "because": "no target is proven: there is nothing to act on"}
        ],
        "may_act": False,
        "next_action": "Look whether the alert ends by itself; nothing may be done about what is not seen.",
    }
