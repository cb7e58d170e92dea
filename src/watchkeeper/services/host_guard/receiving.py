"""Alertmanager's webhook: what came is kept and becomes incidents in one transaction, before it is answered.

A repeated delivery counts nothing twice. An alert that makes no sense is kept as such and told; the others are taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from watchkeeper.domain.findings import Finding
from watchkeeper.domain.host_guard.alerts import Delivery, HostAlertSeen, read_delivery
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.incident_record import Recorded, record_findings
from watchkeeper.storage.database import Connection, Database, Row, fetch


class AlertReceiving:
    """Takes deliveries for a project; the system's, unless a token or a drill has one of its own."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy

    async def receive(self, project_id: str, document: Any, *, actor: str) -> dict[str, Any]:
        """Keep a delivery and open its incidents; say what came of it.

        Raises UsageError where there is no list of alerts in it, and DatabaseUnavailable where nothing was kept.
        """
        delivery = read_delivery(self._redactor.redact_data(document))
        async with self._database.transaction() as connection:
            kept = await self._keep(connection, project_id, delivery, actor)
            recorded = await self._record(connection, project_id, delivery, kept)
        return {
            "received": len(delivery.alerts),
            "new": sum(row["is_new"] for row in kept.values()),
            "truncated": delivery.truncated,
            "incidents": [
                {"id": each.id, "rule": each.rule, "opened": each.opened} for each in dict.fromkeys(recorded)
            ],
            "problems": [
                {"alertname": alert.alertname, "fingerprint": alert.fingerprint, "because": alert.problem}
                for alert in delivery.alerts
                if alert.problem is not None
            ],
        }

    async def _keep(
        self, connection: Connection, project_id: str, delivery: Delivery, actor: str
    ) -> dict[str, Row]:
        group = {"project_id": project_id, "group_key": delivery.group_key}
        digest = hashlib.sha256(delivery.group_key.encode()).hexdigest()
        told = {"digest": digest, "receiver": delivery.receiver, "truncated": delivery.truncated}
        await fetch(connection, "note_host_group", group | told)
        alerts = json.dumps([_row(alert) for alert in delivery.alerts], default=str)
        rows = await fetch(connection, "keep_host_alerts", group | {"alerts": alerts, "actor": actor})
        prints = sorted({alert.fingerprint for alert in delivery.alerts if alert.fingerprint})
        await fetch(connection, "end_host_alerts", {"project_id": project_id, "fingerprints": prints})
        return {row["digest"]: row for row in rows}

    async def _record(
        self, connection: Connection, project_id: str, delivery: Delivery, kept: dict[str, Row]
    ) -> list[Recorded]:
        """Open or count the incidents of what fires, and ask for packets."""
        ids = [row["id"] for row in kept.values()]
        asked = {"project_id": project_id, "ids": ids}
        firing = {row["id"] for row in await fetch(connection, "firing_host_alerts", asked)}
        alive = [alert for alert in delivery.alerts if kept[alert.digest]["id"] in firing]
        found = {alert.digest: _finding(project_id, alert, kept[alert.digest]) for alert in alive}
        recorded = await record_findings(connection, list(found.values()), self._policy())
        by_print = {each.fingerprint: each for each in recorded}
        tied = [
            (alert, by_print[found[alert.digest].fingerprint])
            for alert in alive
            if found[alert.digest].fingerprint in by_print
        ]
        await fetch(
            connection,
            "tie_host_alerts",
            {
                "project_id": project_id,
                "alerts": [kept[alert.digest]["id"] for alert, _ in tied],
                "incidents": [each.id for _, each in tied],
                "alertnames": [alert.alertname for alert, _ in tied],
                "lanes": [alert.known.lane_id if alert.known else "" for alert, _ in tied],
                "news": [kept[alert.digest]["is_new"] for alert, _ in tied],
            },
        )
        return [each for _, each in tied]


def _row(alert: HostAlertSeen) -> dict[str, Any]:
    return {
        "digest": alert.digest,
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "alertname": alert.alertname,
        "host_id": alert.host,
        "starts_at": alert.starts_at and alert.starts_at.isoformat(),
        "ends_at": alert.ends_at and alert.ends_at.isoformat(),
        "problem": alert.problem,
        "given": alert.given,
    }


def _finding(project_id: str, alert: HostAlertSeen, kept: Row) -> Finding:
    if alert.known is None:
        raise ValueError("an alert of no rule finds nothing")
    evidence = {
        "host": alert.host,
        "alertname": alert.alertname,
        "lane": alert.known.lane_id,
        "classification": alert.known.classification,
        "action_policy": alert.known.action_policy,
        "fired_at": alert.starts_at and alert.starts_at.isoformat(),
        "labels": alert.given.get("labels"),
        "annotations": alert.given.get("annotations"),
        "alert_fingerprint": alert.fingerprint,
    }
    return Finding(
        project_id,
        alert.known.rule,
        ("host", alert.host or ""),
        kept["received_at"],
        "alert_firing",
        evidence=evidence,
        evidence_ref=f"host_alert:{kept['id']}",
    )
