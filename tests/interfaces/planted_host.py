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
