"""What Alertmanager's webhook (version 4) brings, read alert by alert: one that makes no sense harms no other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.host_guard.lanes import HOST_ALERTS, HostAlert
from watchkeeper.domain.incidents import capped

VERSION = "4"
FIRING, RESOLVED = "firing", "resolved"
HOST_LABELS = ("host", "hostname", "nodename", "instance")
"""Labels that may name the machine, the best first; `instance` is an address, whose port is left out."""

MOST_ALERTS = 2_000
MOST_CHARS = 300
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Alertmanager says 0001-01-01 where it knows no end."""


@dataclass(frozen=True, slots=True)
class HostAlertSeen:
    """One alert. `problem` says why it can be no host incident; then what it names may be missing.

    `given` is all of it, as it came. `digest` is the same however often it is sent.
    """

    digest: str
    given: Mapping[str, Any]
    problem: str | None = None
    known: HostAlert | None = None
    fingerprint: str | None = None
    status: str | None = None
    alertname: str | None = None
    host: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of Alertmanager's. `truncated` alerts of the group are not in it."""

    group_key: str
    receiver: str | None
    truncated: int
    alerts: tuple[HostAlertSeen, ...]


def read_delivery(document: Any) -> Delivery:
    """Read a request; raise UsageError where there is nothing in it to keep: no list of alerts."""
    given = document.get("alerts") if isinstance(document, dict) else None
    if not isinstance(given, list):
        raise UsageError(
            "this is no delivery of Alertmanager's: it has no list of alerts",
            hint="Name this address as 'url' of a webhook_configs entry of Alertmanager.",
        )
    group_key = _text(document.get("groupKey")) or ""
    seen = {alert.digest: alert for alert in (_alert(each, group_key) for each in given[:MOST_ALERTS])}
    return Delivery(
        group_key,
        _text(document.get("receiver")),
        _count(document.get("truncatedAlerts")) + max(0, len(given) - MOST_ALERTS),
        tuple(seen[digest] for digest in sorted(seen)),
    )


def host_of(labels: Mapping[str, Any]) -> str | None:
    """Name the machine that an alert is about, by its best label."""
    found = next((name for name in HOST_LABELS if _text(labels.get(name))), None)
    if found is None:
        return None
    text = str(labels[found]).strip().lower()
    return _without_port(text)[:MOST_CHARS] if found == "instance" else text[:MOST_CHARS]


def is_called(host: str, names: Sequence[str]) -> bool:
    """Say whether a machine of these names is the one that an alert calls `host`, with its domain or without."""
    short = host if _is_address(host) else host.partition(".")[0]
    return bool({host, short} & {name.lower() for name in names})


def _alert(given: Any, group_key: str) -> HostAlertSeen:
    if not isinstance(given, dict):
        return HostAlertSeen(_digest(group_key, given), capped({"given": given}), "it is no object")
    labels = given.get("labels")
    alertname = _text(labels.get("alertname")) if isinstance(labels, dict) else None
    fingerprint, status = _text(given.get("fingerprint")), given.get("status")
    starts_at, ends_at = _time(given.get("startsAt")), _time(given.get("endsAt"))
    known = HOST_ALERTS.get(alertname or "")
    host = host_of(labels) if isinstance(labels, dict) else None
    problem = next(
        (
            said
            for holds, said in (
                (alertname is None, "it has no label 'alertname'"),
                (known is None, "it is none of the host guard's alerts"),
                (fingerprint is None, "it has no fingerprint"),
                (status not in (FIRING, RESOLVED), "its status is neither firing nor resolved"),
                (starts_at is None, "its startsAt is no time"),
                (host is None, f"none of the labels {', '.join(HOST_LABELS)} names its host"),
            )
            if holds
        ),
        None,
    )
    said_status = status if status in (FIRING, RESOLVED) else None
    key = (fingerprint, given.get("startsAt"), status) if problem is None else given
    return HostAlertSeen(
        _digest(group_key, key),
        capped(given),
        problem,
        known,
        fingerprint,
        said_status,
        alertname,
        host,
        starts_at,
        ends_at if ends_at is not None and ends_at > NEVER else None,
    )


def _digest(group_key: str, key: Any) -> str:
    text = json.dumps([group_key, key], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _text(value: Any) -> str | None:
    return value[:MOST_CHARS] if isinstance(value, str) and value.strip() else None


def _count(value: Any) -> int:
    return (
        min(value, 1_000_000) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
    )


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    name, colon, port = address.rpartition(":")
    return name if colon and port.isdigit() and ":" not in name else address


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
