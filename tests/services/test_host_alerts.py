"""Alerts on hosts become incidents: once however often they come, and over only when what they ask for is done."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema

from host.fake_proc import FakeProc, attempt
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.host_guard import HostGuard, host_guard
from watchkeeper.app.whole import App
from watchkeeper.domain.host_guard.ledger import Ledger, Standing
from watchkeeper.domain.host_guard.readiness_parts import ASSETS
from watchkeeper.domain.policies import Policy
from watchkeeper.services.host_guard.export import LEDGER
from watchkeeper.services.watchdog_closing import Closing

DELIVERY = Path(__file__).parents[1] / "fixtures" / "alertmanager_orphan.json"
ROOT = Path(__file__).parents[2]
ORPHAN = "200 chromium job=a/2 cpu={cpu} age={age} -- chromium --headless --user-data-dir=/tmp/puppeteer_dev_x_profile-"
WRITE_ASSET = """
INSERT INTO watchkeeper.host_assets (project_id, incident_id, asset, fields, written_by) VALUES ('p', %s, %s, %s, 't')
"""
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
        for asset, _, fields in ASSETS:
            row = (incident["id"], asset, json.dumps(dict.fromkeys(fields, "x")))
            await connection.execute(WRITE_ASSET, row)
        await connection.execute(
            "UPDATE watchkeeper.host_incidents SET assets_written_at = watchkeeper.now()"
        )
    assert (await over(app))["host_orphan_browser"] == "resolved"
    assert incident["is_firing"] is False


def machine(root: Path) -> FakeProc:
    return FakeProc(root, ORPHAN.format(cpu=5000, age=9000))


def told(app: App, state: Path, proc: FakeProc) -> HostGuard:
    """Give the guard of a made-up machine, to which the server has said that the orphan's session is over."""
    state.mkdir(parents=True, exist_ok=True)
    over = Standing(is_live=False, ended_at=time.time() - 9000)
    (state / LEDGER).write_text(json.dumps(Ledger(time.time(), {attempt("a/2"): over}).to_json()))
    core = replace(app, settings=replace(app.settings, home=state.parent, host_names=("110",)))
    return host_guard(core, proc=proc.root)


async def test_a_runaways_packet_is_kept_by_the_scan_that_finds_it(app: App, tmp_path: Path) -> None:
    """No alert is waited for: from the threshold to the packet it is one scan; another scan does not tell it again."""
    proc = machine(tmp_path / "proc")
    guard = told(app, tmp_path / "host", proc)
    await guard.scanning.run_once()
    assert (await app.watchdog.host.packets.list("system"))[0] == []
    proc.pass_time(120)
    proc.add(ORPHAN.format(cpu=5180, age=9120))
    begun = time.monotonic()
    assert (await guard.scanning.run_once()).counts["packets"] == 1
    assert time.monotonic() - begun < 10
    assert (await guard.scanning.run_once()).counts["packets"] == 0
    [kept], _ = await app.watchdog.host.packets.list("system")
    shown = await app.watchdog.host.packets.show("system", kept["id"])
    assert (shown["incident_id"], shown["packet"]["facts"]["cores"]) == (None, 1.5)
    [reading] = await app.watchdog.host.reading.readings("system")
    assert (reading["orphan_browser_groups"], reading["is_stale"]) == (1, False)


async def test_an_alert_gets_its_packet_and_all_agree(app: App, tmp_path: Path) -> None:
    """The source's alert, redacted: incident, lane, owner, evidence and post-check are the same wherever they stand."""
    guard = told(app, tmp_path / "host", machine(tmp_path / "proc"))
    came = await app.watchdog.host.receiving.receive("system", delivery(), actor=ACTOR)
    incident = str(came["incidents"][0]["id"])
    assert (await guard.reporting.answer()).counts["packets"] == 1
    assert (await guard.reporting.answer()).counts == {}
    [row], _ = await app.watchdog.host.reading.incidents("system")
    shown = await app.watchdog.host.packets.show("system", row["packet_id"])
    packet, card = shown["packet"], shown["card"]
    item = await app.watchdog.incident_reading.show("system", row["id"])
    assert incident == str(shown["incident_id"]) == packet["incident"]["id"] == str(item["id"])
    assert row["lane"] == packet["lane"] == item["evidence"]["lane"] == "orphan_browser_smoke_runaway_process"
    assert packet["incident"]["owner"] == item["owner"] == row["owner"]
    assert f"Incident {incident}" in card
    assert f"owner {item['owner']}" in card
    assert packet["dry_run"]["digest"] == shown["plan_digest"]
    assert packet["post_check"]["no_data_is"] == "failure"
    assert all(expected in card for expected in packet["post_check"]["expects"])
    assert [gate["gate"] for gate in packet["gates"] if gate["met"]] == ["post_check_plan"]


async def test_an_alert_on_what_is_gone_gets_a_packet_that_says_so(app: App, tmp_path: Path) -> None:
    """Nothing of the lane is seen any more: no target, and what the alert saw stays unknown."""
    guard = told(app, tmp_path / "host", FakeProc(tmp_path / "proc"))
    await app.watchdog.host.receiving.receive("system", delivery(), actor=ACTOR)
    await guard.reporting.answer()
    [kept], _ = await app.watchdog.host.packets.list("system")
    packet = (await app.watchdog.host.packets.show("system", kept["id"]))["packet"]
    assert (packet["dry_run"]["targets"], packet["may_act"], packet["lane"]) == ([], False, kept["lane"])


async def test_the_readiness_document_has_the_sources_keys_and_counts_what_was_done(
    app: App, tmp_path: Path
) -> None:
    """Before anything happened few items hold; after a scan, an alert and its packet all do. It fits its schema."""
    schema = json.loads((ROOT / "docs/reference/schemas/readiness.json").read_text())
    before = await app.watchdog.host.readiness.report("system", 3)
    jsonschema.validate(before, schema)
    assert (before["live_readback"]["monitor_up"], before["live_readback"]["alerts_firing_count"]) == (0, 0)
    guard = told(app, tmp_path / "host", machine(tmp_path / "proc"))
    await guard.scanning.run_once()
    await app.watchdog.host.receiving.receive("system", delivery(), actor=ACTOR)
    await guard.reporting.answer()
    after = await app.watchdog.host.readiness.report("system", 3)
    jsonschema.validate(after, schema)
    assert after["program_status"]["overall_completion_percent"] == 100
    assert before["program_status"]["overall_completion_percent"] < 100
    back = after["live_readback"]
    assert (back["monitor_up"], back["orphan_browser_group_count"], back["alerts_firing_count"]) == (1, 1, 1)
    flags = after["activation_boundaries"]
    assert [name for name, is_on in flags.items() if is_on] == [
        "read_only_readback_allowed",
        "ai_triage_packet_allowed",
        "dry_run_generation_allowed",
    ]
    assert (len(flags), after["rollups"]["process_termination_count"]) == (16, 0)
    await guard.ledger.run_once()
    ledger = Ledger.from_json(json.loads((tmp_path / "host" / LEDGER).read_text()))
    assert (ledger.alerts, ledger.authorized) == ({"orphan_browser_smoke_runaway_process": 1}, 0)
