"""Alerts on hosts become incidents: once however often they come, and over only when what they ask for is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import Policy
from watchkeeper.services.watchdog_closing import Closing

DELIVERY = Path(__file__).parents[1] / "fixtures" / "alertmanager_orphan.json"
ACTOR = "principal:alertmanager"


def delivery(status: str = "firing", alertname: str = "", **changes: Any) -> dict[str, Any]:
    """Give the source's alert as Alertmanager sends it, redacted."""
    document: dict[str, Any] = json.loads(DELIVERY.read_text())
    [alert] = document["alerts"]
    alert["status"] = document["status"] = status
    if status == "resolved":
        alert["endsAt"] = "2026-11-21T13:00:00Z"
    if alertname:
        alert["labels"]["alertname"] = alertname
        alert["fingerprint"] = alertname
    return document | changes


async def receive(app: App, document: Any) -> dict[str, Any]:
    return await app.watchdog.host.receiving.receive("p", document, actor=ACTOR)


async def over(app: App) -> dict[str, str]:
    """Close what is over, and give each incident's state by its rule."""
    await Closing(app.database, app.watchdog.incidents).run_once(Policy())
    found = await rows(app.database, "SELECT rule, state FROM watchkeeper.watchdog_incidents ORDER BY id")
    return {row["rule"]: row["state"] for row in found}


async def test_an_alert_opens_one_incident_however_often_it_comes(app: App) -> None:
    """With the host, the lane and the rule's owner; its host is asked for a packet; a repetition counts nothing."""
    await app.kinds.ensure_project("p")
    first = await receive(app, delivery())
    again = await receive(app, delivery())
    assert (first["received"], first["new"], first["problems"]) == (1, 1, [])
    assert (again["new"], [each["opened"] for each in again["incidents"]]) == (0, [False])
    [incident], _ = await app.watchdog.host.reading.incidents("p")
    assert incident["id"] == first["incidents"][0]["id"]
    assert (incident["rule"], incident["host_id"], incident["lane"]) == (
        "host_orphan_browser",
        "110",
        "orphan_browser_smoke_runaway_process",
    )
    assert (incident["is_firing"], incident["packet_wanted_at"] is not None, incident["owner"]) == (
        True,
        True,
        "owner",
    )
    shown = await app.watchdog.incident_reading.show("p", incident["id"])
    assert shown["occurrences"] == 1
    assert shown["evidence"]["classification"] == "host_resource_runaway_process"


async def test_half_a_batch_that_is_bad_harms_not_the_other_half(app: App) -> None:
    """Bad alerts are kept with what is wrong with them, and told; what Alertmanager left out is noted."""
    await app.kinds.ensure_project("p")
    document = delivery(truncatedAlerts=3)
    good = document["alerts"][0]
    secret = "wkw_" + "kFkK5LLgOzGElSFKpnDNM3yae9b8nhR5iI9U9SdmC"
    document["alerts"] = [
        "no object",
        {"labels": {}},
        good | {"fingerprint": "f2", "startsAt": "yesterday"},
        good | {"fingerprint": "f3", "labels": {"alertname": "DiskFull", "note": secret}},
        good,
    ]
    came = await receive(app, document)
    assert (came["received"], len(came["problems"]), came["truncated"]) == (5, 4, 3)
    assert [each["rule"] for each in came["incidents"]] == ["host_orphan_browser"]
    left = await app.watchdog.host.reading.left("p")
    assert sorted(row["what"] for row in left) == ["problem"] * 4 + ["truncated"]
    kept = await rows(app.database, "SELECT given FROM watchkeeper.host_alerts")
    assert secret not in str(kept)


async def test_an_end_that_comes_first_opens_nothing(app: App) -> None:
    """Deliveries may overtake each other: what has ended is no incident, and starts none."""
    await app.kinds.ensure_project("p")
    await receive(app, delivery("resolved"))
    assert (await receive(app, delivery()))["incidents"] == []


async def test_incidents_close_when_their_alert_is_over_and_those_of_lanes_with_their_assets(
    app: App, clock: MovingClock
) -> None:
    """A monitor's with its alert; a lane's not before the five assets are written, whatever Alertmanager says."""
    await app.kinds.ensure_project("p")
    for alertname in ("", "HostRunawayMonitorStale"):
        await receive(app, delivery(alertname=alertname))
    clock.advance(1)
    assert set((await over(app)).values()) == {"open"}
    for alertname in ("", "HostRunawayMonitorStale"):
        await receive(app, delivery("resolved", alertname))
    clock.advance(1)
    assert await over(app) == {"host_orphan_browser": "open", "host_monitor_stale": "resolved"}
    [incident] = [row for row in (await app.watchdog.host.reading.incidents("p"))[0] if row["lane"] != "self"]
    async with app.database.transaction() as connection:
        await connection.execute(
            "UPDATE watchkeeper.host_incidents SET assets_written_at = watchkeeper.now()"
        )
    assert (await over(app))["host_orphan_browser"] == "resolved"
    assert incident["is_firing"] is False
