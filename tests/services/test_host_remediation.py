"""Host remediation on this machine: real orphans, two owners, every gate, and what is looked at afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from moving_clock import MovingClock
from services.guarded_host import HOST, PROJECT, WAITS, Host, Process, left_over
from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import (
    Conflict,
    GateFailed,
    PermissionDenied,
    UsageError,
    WatchkeeperError,
)
from watchkeeper.domain.host_guard.assets import REQUIRED


@pytest.fixture
def host(app: App, tmp_path: Path) -> Host:
    return Host(app, tmp_path)


async def ready(host: Host, process: Process) -> tuple[UUID, UUID]:
    """Give an act that only has to be carried out, and its incident."""
    asker, approver = await host.people()
    incident = await host.incident()
    await host.window()
    remediation = await host.ask(process, asker)
    await host.approve(remediation, approver)
    return remediation, incident


async def unmet(host: Host, remediation: UUID) -> set[str]:
    """Give the gates that an act is refused for; all in one answer."""
    with pytest.raises(GateFailed) as refused:
        await host.guard.acting.act(PROJECT, remediation)
    return {each["check"] for each in refused.value.details["failed"]}


async def test_an_approved_orphan_is_asked_to_end_and_looked_at_three_times(
    host: Host, tmp_path: Path, clock: MovingClock
) -> None:
    """The orphan goes, everybody else stays, each look is made at its time, and the five assets are there."""
    over, live = await host.ended(), await host.shop.running(kind="l", worker="v")
    with (
        left_over(tmp_path, over) as orphan,
        left_over(tmp_path, live) as owned,
        left_over(tmp_path, None) as unproven,
    ):
        remediation, incident = await ready(host, orphan)
        came = await host.guard.acting.act(PROJECT, remediation)
        assert [(each["came"], each["signal"]) for each in came["results"]] == [("sent", "SIGTERM")]
        wait_until(lambda: not orphan.lives, 20, "the end of the orphan")
        assert owned.lives
        assert unproven.lives
        with pytest.raises(Conflict, match="executing already"):
            await host.guard.acting.act(PROJECT, remediation)
        with pytest.raises(WatchkeeperError, match="five assets"):
            await host.shop.over(incident)
        for number, seconds in enumerate((31, 270, 1500), 1):
            clock.advance(seconds)
            assert (await host.guard.post_checks.run_once()).counts["checked"] == 1
            shown = await host.shown(remediation)
            assert sum(each["outcome"] == "verified" for each in shown["post_checks"]) == number
    assert (shown["state"], shown["outcome"]) == ("succeeded", "verified")
    assert {
        each["asset"]: set(each["fields"]) >= set(REQUIRED[each["asset"]]) for each in shown["assets"]
    } == (dict.fromkeys(REQUIRED, True))
    assert all(gate["met"] for gate in shown["gates"])
    await host.shop.over(incident)
    [trust] = await host.app.watchdog.host_remediations.trust(PROJECT)
    assert (trust["runs"], trust["verified"], trust["harmful"]) == (1, 1, 0)
    [sent] = await host.trail("host_signal_sent")
    assert (sent["data"]["pid"], sent["data"]["host"]) == (orphan.identity.pid, HOST)
    assert len(await host.trail("host_post_check")) == 3


async def test_every_gate_that_is_not_met_is_named_in_one_answer(host: Host, tmp_path: Path) -> None:
    """With nothing but the asking, all that lacks is said at once; nothing is sent, and the refusal is on record."""
    with left_over(tmp_path, await host.ended(), script=WAITS) as orphan:
        asker, _ = await host.people()
        remediation = await host.ask(orphan, asker)
        await host.app.kinds.set_switch("actions", is_on=False, actor="t", reason="r")
        refused = await unmet(host, remediation)
        assert refused == {"owner_approval", "maintenance_window", "matching_rule", "kill_switch"}
        assert orphan.lives
        [kept] = await host.trail("host_remediation_refused")
        assert {gate["gate"] for gate in kept["data"]["gates"] if not gate["met"]} == refused
        shown = await host.shown(remediation)
        assert {gate["gate"] for gate in shown["gates"] if not gate["met"]} == refused | {"fresh_dry_run"}


async def test_a_word_is_anothers_for_an_hour_and_for_one_act(
    host: Host, tmp_path: Path, clock: MovingClock
) -> None:
    """Who asked cannot approve; an approval runs out; a supervisor's is none."""
    with left_over(tmp_path, await host.ended(), script=WAITS) as orphan:
        asker, approver = await host.people()
        await host.incident()
        await host.window(hours=5)
        remediation = await host.ask(orphan, asker)
        with pytest.raises(PermissionDenied):
            await host.approve(remediation, asker)
        with pytest.raises(PermissionDenied):
            await host.approve(remediation, await host.shop.person("sam"))
        await host.approve(remediation, approver)
        clock.advance(3601)
        assert await unmet(host, remediation) == {"owner_approval"}
        await host.shop.run()
        assert (await host.shown(remediation))["state"] == "expired"
        assert orphan.lives


async def test_another_process_under_the_pid_is_never_signalled(host: Host, tmp_path: Path) -> None:
    """A plan for another start time, and one whose session lives after all, are refused by the fresh dry run."""
    live = await host.shop.running()
    with left_over(tmp_path, live, script=WAITS) as owned, left_over(tmp_path, await host.ended()) as orphan:
        asker, approver = await host.people()
        await host.incident()
        await host.window()
        told = await host.packet(orphan)
        target = told["dry_run"]["targets"][0]
        desk = host.app.watchdog.host_remediations
        for planned in (
            {**target, "start_ticks": target["start_ticks"] - 1},
            {**target, "pid": owned.identity.pid, "start_ticks": owned.identity.start_ticks},
        ):
            changed = {**told, "dry_run": {**told["dry_run"], "targets": [planned]}}
            made = await desk.ask(PROJECT, changed, asker, reason="r")
            await host.approve(made["id"], approver)
            assert await unmet(host, made["id"]) == {"fresh_dry_run"}
        assert owned.lives
        assert orphan.lives


@pytest.mark.parametrize(
    "change",
    [
        {"lane": "ci_runner_load_saturation"},
        {"lane": "report_only"},
        {"schema_version": "other"},
        {"dry_run": {"allowed": True, "targets": []}},
        {
            "dry_run": {
                "allowed": True,
                "targets": [{"boot_id": "b", "pid_ns": "n", "pid": 1, "start_ticks": 1}],
            }
        },
        {"facts": {"level": "C", "family": "browser"}},
    ],
)
async def test_only_a_proven_orphans_packet_leads_to_an_act(
    host: Host, tmp_path: Path, change: dict[str, Any]
) -> None:
    """CI, a guess, another document, init, and an empty list of targets are errors, not wishes."""
    with left_over(tmp_path, await host.ended(), script=WAITS) as orphan:
        asker, _ = await host.people()
        told = {**await host.packet(orphan), **change}
        with pytest.raises(UsageError):
            await host.app.watchdog.host_remediations.ask(PROJECT, told, asker, reason="r")


async def test_a_crash_between_the_record_and_the_signal_loses_no_look(
    host: Host, tmp_path: Path, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun and never sent is found by the looks: ineffective, with its assets, and no trust gained."""
    with left_over(tmp_path, await host.ended()) as orphan:
        remediation, _ = await ready(host, orphan)

        async def dies(*_: Any) -> None:
            raise RuntimeError("the process died here")

        monkeypatch.setattr(type(host.guard.acting), "_send", dies)
        with pytest.raises(RuntimeError, match="died here"):
            await host.guard.acting.act(PROJECT, remediation)
        for seconds in (31, 270, 1500):
            clock.advance(seconds)
            await host.guard.post_checks.run_once()
        shown = await host.shown(remediation)
        assert (shown["state"], shown["outcome"], len(shown["assets"])) == ("failed", "ineffective", 5)
        assert shown["post_checks"][0]["facts"]["targets_left"] == [orphan.identity.pid]
        [trust] = await host.app.watchdog.host_remediations.trust(PROJECT)
        assert (trust["runs"], trust["ineffective"], trust["lower_bound"]) == (1, 1, 0.0)


async def test_no_look_in_time_is_failure(host: Host, tmp_path: Path, clock: MovingClock) -> None:
    """When nobody watched the host, the looks say no data, and the act has failed though the process is gone."""
    with left_over(tmp_path, await host.ended()) as orphan:
        remediation, _ = await ready(host, orphan)
        await host.guard.acting.act(PROJECT, remediation)
        clock.advance(3600)
        await host.guard.post_checks.run_once()
        shown = await host.shown(remediation)
        assert (shown["state"], shown["outcome"]) == ("failed", "no_data")


async def test_a_lost_bystander_is_harm_and_trips_the_breaker(
    host: Host, tmp_path: Path, clock: MovingClock
) -> None:
    """Whoever lived beside the target and is gone without its session's end counts against the playbook at once."""
    with (
        left_over(tmp_path, await host.ended()) as orphan,
        left_over(tmp_path, None, script=WAITS) as bystander,
    ):
        remediation, incident = await ready(host, orphan)
        await host.guard.acting.act(PROJECT, remediation)
        bystander.end()
        wait_until(lambda: not bystander.lives, 20, "the end of the bystander")
        for seconds in (31, 270, 1500):
            clock.advance(seconds)
            await host.guard.post_checks.run_once()
        shown = await host.shown(remediation)
        assert (shown["state"], shown["outcome"]) == ("failed", "harmful")
        [trust] = await host.app.watchdog.host_remediations.trust(PROJECT)
        assert (trust["harmful"], trust["level"]) == (1, "suggest")
    with left_over(tmp_path, await host.ended(), script=WAITS) as another:
        asker, approver = await host.people()
        await host.window(hours=3)
        again = await host.ask(another, asker)
        await host.approve(again, approver)
        assert await unmet(host, again) == {"breaker"}
        assert another.lives
    assert incident


async def test_a_second_act_waits_for_the_first_and_cools_down(
    host: Host, tmp_path: Path, clock: MovingClock
) -> None:
    """While looks are to come, and for half an hour on the same program, there is no second act on a host."""
    with left_over(tmp_path, await host.ended()) as orphan, left_over(tmp_path, await host.ended()) as second:
        remediation, _ = await ready(host, orphan)
        again = await host.ask(second, await host.shop.person("lin", role=(await host.people())[0].role))
        await host.approve(again, (await host.people())[1])
        await host.guard.acting.act(PROJECT, remediation)
        assert await unmet(host, again) == {"one_at_a_time", "cool_down"}
        assert second.lives


async def test_what_comes_back_lowers_trust_and_is_graver(
    host: Host, tmp_path: Path, clock: MovingClock
) -> None:
    """The same trouble on the same host within the guard's days makes the verified act an ineffective one."""
    with left_over(tmp_path, await host.ended()) as orphan:
        remediation, incident = await ready(host, orphan)
        await host.guard.acting.act(PROJECT, remediation)
        wait_until(lambda: not orphan.lives, 20, "the end of the orphan")
        for seconds in (31, 270, 1500):
            clock.advance(seconds)
            await host.guard.post_checks.run_once()
    await host.shop.over(incident)
    clock.advance(86_400)
    again = await host.incident()
    await host.shop.one(
        "UPDATE watchkeeper.watchdog_incidents n SET fingerprint = i.fingerprint FROM watchkeeper.watchdog_incidents i"
        " WHERE i.id = %(first)s AND n.id = %(again)s RETURNING n.id",
        first=incident,
        again=again,
    )
    assert (await host.guard.post_checks.run_once()).counts["recurred"] == 1
    shown = await host.shown(remediation)
    assert UUID(str(shown["recurred_as"])) == again
    severity = "SELECT severity FROM watchkeeper.watchdog_incidents WHERE id = %(id)s"
    assert await host.shop.one(severity, id=again) == "critical"
    [trust] = await host.app.watchdog.host_remediations.trust(PROJECT)
    assert (trust["verified"], trust["ineffective"]) == (0, 1)


async def test_approval_alone_carries_nothing_out(host: Host, tmp_path: Path) -> None:
    """The server that approves and the duty that repairs leave it to the host; its own duty does it."""
    with left_over(tmp_path, await host.ended()) as orphan:
        remediation, _ = await ready(host, orphan)
        assert (await host.shown(remediation))["state"] == "approved"
        await host.shop.run()
        assert orphan.lives
        assert (await host.shown(remediation))["state"] == "approved"
        assert (await host.guard.acting.run_once()).counts["acted"] == 1
        wait_until(lambda: not orphan.lives, 20, "the end of the orphan")
