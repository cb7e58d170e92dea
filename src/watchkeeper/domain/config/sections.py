"""Which keys of the one document are sections, and which are settings of a process."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from watchkeeper.domain.placed import Placed

SECTIONS = frozenset(
    {
        *("version", "owner", "timezone", "heartbeat_interval_minutes"),
        *("checks", "thresholds", "sessions", "slos", "self_heal", "alerts"),
        *("kinds", "policy", "rules", "contacts", "channels", "helper", "retention", "host"),
    }
)
"""What is no setting. `host` is the section where it has keys, and the setting where it is an address."""

KEPT = {
    "job_days": "job_retention_days",
    "output_days": "output_retention_days",
    "event_days": "event_retention_days",
    "orphan_hours": "orphan_retention_hours",
}
"""The keys of `retention`, and the settings that they are."""


def split(placed: Placed, settings: Collection[str]) -> tuple[Placed, dict[str, Placed]]:
    """Part a document's sections, and what is unknown, from the settings that stand beside them."""
    entries: dict[str, Placed] = placed.value
    beside = {
        key: value
        for key, value in entries.items()
        if key in settings and (key not in SECTIONS or not isinstance(value.value, dict))
    }
    sections = {key: value for key, value in entries.items() if key not in beside}
    return replace(placed, value=sections), beside
