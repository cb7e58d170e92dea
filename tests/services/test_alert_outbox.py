"""People are told of what asks for them, once, when it is time, and by stages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import alerts, change, opened
from watchkeeper.app.alerting import alert_parts
from watchkeeper.app.whole import App, build
from watchkeeper.documents import read_file
from watchkeeper.domain.alerting import Untold
from watchkeeper.domain.config_document import read_document
from watchkeeper.services.alerting import Notice, announce

STABILITY = Path(__file__).parents[2] / "examples" / "codex_session_watchdog_v1.yaml"


async def test_an_incident_is_told_once_and_by_stages(app: App, clock: MovingClock) -> None:
    """Two watches tell one incident once; while nobody acknowledges it, the next stage comes half an hour later."""
    incident = await opened(app.database)
    symptom = await opened(app.database, "artifact_missing", cause_id=incident)
    watches = [app.watchdog.alerting.outbox, build(app.settings, app.database).watchdog.alerting.outbox]
    await asyncio.gather(*(watch.run_once() for watch in watches))
    assert await alerts(app.database) == []  # it settles first: its symptoms and a repair may come
    clock.advance(31)
    for _ in range(2):
        await asyncio.gather(*(watch.run_once() for watch in watches))
    (told,) = await alerts(app.database, incident)
    assert (told["stage"], told["channel"], told["recipient"]) == (0, "console", "owner")
    assert told["sent_at"] is not None
    assert told["body"].startswith("PLS worker stability alert: worker is alive but")
    assert await alerts(app.database, symptom) == []
    why = await app.watchdog.alerting.alerts.of_incident("p", symptom)
    assert (why["not_told_because"], why["symptom_of"]) == ("symptom", incident)
    (called,) = await rows(
        app.database, "SELECT data FROM watchkeeper.audit_events WHERE event = 'escalation_sent'"
    )
    assert called["data"]["alert_id"] == str(told["id"])
    clock.advance(1801)
    await asyncio.gather(*(watch.run_once() for watch in watches))
    assert [row["stage"] for row in await alerts(app.database, incident)] == [0, 1]


async def test_a_stage_on_its_way_is_waited_for(app: App, clock: MovingClock) -> None:
    """While one watch still sends a stage, another does not tell the next one."""
    incident = await opened(app.database)
    outbox = app.watchdog.alerting.outbox
    clock.advance(31)
    await outbox.run_once()
    clock.advance(1801)
    assert [(await outbox.planning.plan())[0] for _ in range(2)] == [1, 0]
    assert [row["stage"] for row in await alerts(app.database, incident)] == [0, 1]


async def test_who_acknowledged_is_left_alone_until_that_runs_out(app: App, clock: MovingClock) -> None:
    """An acknowledgement stops the stages; when it runs out unresolved, the next stage is told at once."""
    incident = await opened(app.database)
    clock.advance(31)
    await app.watchdog.alerting.outbox.run_once()
    (told,) = await alerts(app.database, incident)
    acting = app.watchdog.alerting.alerts
    seen = await acting.acknowledge("p", told["id"], actor="ann", note="I look at it")
    assert seen["acknowledged_by"] == "ann"
    clock.advance(3 * 3600)
    await app.watchdog.alerting.outbox.run_once()
    assert len(await alerts(app.database, incident)) == 1
    assert (await acting.of_incident("p", incident))["not_told_because"] == "acknowledged"
    clock.advance(3601)
    await app.watchdog.alerting.outbox.run_once()
    assert [row["stage"] for row in await alerts(app.database, incident)] == [0, 1]


LEASE = "evidence = jsonb_build_object('lease_expires_at', watchkeeper.now() + interval '40 seconds')"


async def test_a_foreign_lease_is_told_before_it_ends(app: App, clock: MovingClock) -> None:
    """With the stability document people hear of it in time, though it is repaired and then a symptom of its end.

    Its end is of a rule that the document's `notify_on` leaves out: who is no more told of the cause is told of this.
    """
    policy = read_document(read_file(STABILITY), STABILITY.name).policy
    outbox = alert_parts(app, app.watchdog.incidents, lambda: policy).outbox
    ended = await opened(app.database, "lease_expired")
    ends = await opened(app.database, "lease_near_expiry", state="verifying", cause_id=ended)
    await change(app.database, ends, f"is_mirrored = true, {LEASE}")
    assert (await outbox.run_once()).next_in == pytest.approx(20, abs=1)
    clock.advance(21)
    await outbox.run_once()
    (told,) = await alerts(app.database)
    assert told["incident_id"] == ends
    assert told["sent_at"] is not None
    async with app.database.transaction() as connection:
        assert (await outbox.planning.verdict(connection, "p", ended)).why is Untold.NOT_NOTIFIED


REPAIR = """
INSERT INTO watchkeeper.repair_actions (project_id, incident_id, pool, trigger, action, authority, actor, reason, plan,
                                        plan_digest, policy_version, policy_digest, state)
VALUES ('p', %(incident)s, 'default', 'doctor_failed', 'retouch', 'system', 'system', 'r',
        jsonb_build_object('authority', %(authority)s::text), 'd', 'v', 'd', %(state)s)
"""
TRIPPED = """
INSERT INTO watchkeeper.repair_breakers (project_id, rule, pool, attempts, tripped_at)
VALUES ('p', 'doctor_failed', 'default', 20, watchkeeper.now())
"""
OFF = "UPDATE watchkeeper.switches SET is_on = false WHERE name = 'actions'"


@pytest.mark.parametrize(
    ("state", "authority", "also", "is_told"),
    [
        ("proposed", "system", "", False),
        ("proposed", "system", OFF, True),
        ("proposed", "system", TRIPPED, True),
        ("proposed", None, "", True),
        ("rejected", "system", "", True),
        ("expired", "system", "", True),
    ],
    ids=["may run", "actions off", "breaker tripped", "only observed", "rejected", "expired"],
)
async def test_people_wait_only_for_a_repair_that_may_run(
    app: App, clock: MovingClock, state: str, authority: str | None, also: str, is_told: bool
) -> None:
    """A repair that is switched off, held by a breaker, only observed or given up keeps nobody waiting."""
    incident = await opened(app.database, "doctor_failed", next_action="retouch")
    await rows(app.database, REPAIR, {"incident": incident, "state": state, "authority": authority})
    if also:
        await rows(app.database, also)
    clock.advance(31)
    await app.watchdog.alerting.outbox.run_once()
    assert bool(await alerts(app.database, incident)) is is_told
    why = await app.watchdog.alerting.alerts.of_incident("p", incident)
    assert (why["not_told_because"] == "repair_first") is not is_told
    clock.advance(300)
    await app.watchdog.alerting.outbox.run_once()
    assert len(await alerts(app.database, incident)) == 1


async def test_a_notice_is_told_once_without_its_secrets(app: App) -> None:
    """What other parts announce reaches the console once under its key, with secrets taken out."""
    notice = Notice("p", "sync:1", "The reply is overdue; token=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    async with app.database.transaction() as connection:
        assert await announce(connection, notice, app.redactor) == ["console"]
        assert await announce(connection, notice, app.redactor) == []
    await app.watchdog.alerting.outbox.run_once()
    (told,) = await alerts(app.database)
    assert told["sent_at"] is not None
    assert "ghp_0123456789" not in told["body"]
