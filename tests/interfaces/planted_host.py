"""An alert on a host, and the packet of one, with a text in every place that foreign programs fill."""

from __future__ import annotations

from typing import Any


def delivery(text: str) -> dict[str, Any]:
    """Give a delivery of Alertmanager's; its second alert is none."""
    labels = {"alertname": "HostOrphanBrowserSmokeHighCpu", "instance": "h:9100", "note": text}
    times = {"startsAt": "2026-11-21T12:00:00Z", "fingerprint": "f"}
    alert = {"status": "firing", "labels": labels, "annotations": {text: text}, **times}
    return {"groupKey": text, "alerts": [alert, text]}


def packet(text: str) -> dict[str, Any]:
    """Give an event packet."""
    names = ("packet_id", "lane", "classification", "action_policy", "next_action")
    return dict.fromkeys(names, "x") | {
        "schema_version": "host_runaway_event_packet_v1",
        "host": "h",
        "generated_at": 1,
        "facts": {"level": "A", "because": [text]},
        "unknowns": [text],
        "gates": [],
        "post_check": None,
        "processes": [],
        "processes_left_out": 0,
        "dry_run": {"digest": "d", "targets": []},
    }


def wish(text: str) -> dict[str, Any]:
    """Give what asks for an act on the proven orphan of a packet."""
    target = {"boot_id": "b", "pid_ns": "n", "pid": 4242, "start_ticks": 1}
    orphan = packet(text) | {
        "lane": "orphan_browser_smoke_runaway_process",
        "facts": {"level": "A", "family": "browser", "because": [text]},
        "processes": [{"name": text, "command": text}],
        "dry_run": {"digest": "d", "allowed": True, "targets": [target]},
    }
    return {"packet": orphan, "evidence_ref": text.replace("\n", " ")[:200], "reason": text}


def words(text: str) -> dict[str, str]:
    """Give what a person says of a host incident for which no process was ended."""
    return dict.fromkeys(("root_cause", "service_health", "owner_followup", "reason"), text)
