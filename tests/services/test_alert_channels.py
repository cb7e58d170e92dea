"""Alerts reach a webhook signed and once, are tried again, and a channel that refuses them is turned off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import alerts, change, opened
from services.webhook_receiver import Receiver, receiving
from watchkeeper.app.alerting import AlertParts, alert_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.dead_man import DeadMan
from watchkeeper.services.fetch import FetchConfig
from watchkeeper.services.notifiers.port import Address, Message, NotDelivered
from watchkeeper.services.notifiers.webhook import WebhookNotifier, new_signing_secret
from watchkeeper.services.outward import NoAnswer, Outward

HERE = FetchConfig(allowed=(AllowedHost.parse("127.0.0.1"),))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def parts(app: App) -> AlertParts:
    """The outbox of an installation that lets webhooks go to this machine."""
    settings = replace(app.settings, fetch_allow=("127.0.0.1",))
    return alert_parts(replace(app, settings=settings), app.watchdog.incidents)


async def turned_on(parts: AlertParts, url: str, **given: str) -> str:
    wanted = WantedChannel("ops", "webhook", url, **given)
    _, secret = await parts.channels.turn_on("p", wanted, actor="ann", reason="for the night")
    assert secret is not None
    return secret


async def ticked(app: App) -> None:
    """Let the reaper and the watchdog tick now."""
    await app.maintenance.keep_time()
    await rows(app.database, "UPDATE watchkeeper.watchdog_state SET last_tick_at = watchkeeper.now()")


async def test_a_webhook_is_signed_and_its_receipt_is_kept(
    app: App, parts: AlertParts, receiver: Receiver, clock: MovingClock
) -> None:
    """Incidents of one cause are one signed message; 2xx is its receipt, and what is secret is shown nowhere."""
    signing = await turned_on(parts, receiver.url)
    first, second = await opened(app.database), await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    (posted,) = receiver.posted
    assert posted.is_signed_with(signing)
    assert posted.headers["idempotency-key"] == posted.document["id"]
    assert sorted(posted.document["incidents"]) == sorted([str(first), str(second)])
    assert posted.document["text"].startswith("PLS worker stability alert:")
    sent = [row for row in await alerts(app.database) if row["channel"] == "ops"]
    assert [row["receipt"] for row in sent] == [{"status": 204}] * 2
    third = await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    told = await parts.alerts.of_incident("p", third)
    assert {row["channel"]: row["held_reason"] for row in told["alerts"]} == {
        "console": None,
        "ops": "grouped",
    }
    clock.advance(300)
    await parts.outbox.run_once()
    assert len(receiver.posted) == 2
    # What is secret about a channel is in no answer, no record and no table that others read.
    shown = str(await parts.channels.list("p")) + str(
        await rows(app.database, "SELECT * FROM watchkeeper.audit_events, watchkeeper.alert_channels")
    )
    assert "ops" in shown
    assert "s3cr3t-path" not in shown
    assert signing not in shown


async def test_a_receiver_that_fails_is_tried_again(
    app: App, parts: AlertParts, receiver: Receiver, clock: MovingClock
) -> None:
    """After a 5xx the same message comes again under the same id, later each time; people can ask when."""
    receiver.answers = [500, 503]
    await turned_on(parts, receiver.url)
    incident = await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    (waiting,) = [row for row in await alerts(app.database, incident) if row["channel"] == "ops"]
    assert (waiting["attempts"], waiting["held_reason"]) == (1, "back_off")
    assert waiting["last_error"] == "it answered with status 500"
    told = await parts.alerts.of_incident("p", incident)
    assert told["next_at"] == waiting["due_at"]
    assert told["not_told_because"] == "next_stage"
    for _ in range(3):
        clock.advance(61)
        await parts.outbox.run_once()
    assert len({posted.headers["idempotency-key"] for posted in receiver.posted}) == 1
    assert len(receiver.posted) == 3
    tries = (await parts.alerts.show("p", waiting["id"]))["tries"]
    assert [(one["outcome"], one.get("error")) for one in tries] == [
        ("failed", "it answered with status 500"),
        ("failed", "it answered with status 503"),
        ("sent", None),
    ]
    assert sorted(one["at"] for one in tries) == [one["at"] for one in tries]


async def test_a_refusal_turns_the_channel_off_and_is_told_elsewhere(
    app: App, parts: AlertParts, receiver: Receiver, clock: MovingClock
) -> None:
    """What is gone, unknown or forbidden is off until a person turns it on, and the console says so."""
    receiver.answers = [410]
    await turned_on(parts, receiver.url)
    incident = await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    await parts.outbox.run_once()
    ((channel,), routes) = await parts.channels.list("p")
    assert (channel["is_on"], channel["disabled_reason"]) == (False, "it answered with status 410")
    assert [route["name"] for route in routes] == ["console"]
    texts = [row["body"] for row in await alerts(app.database) if row["incident_id"] is None]
    assert texts == [
        "The channel ops was turned off: it refuses alerts. 'watchkeeper channel list' says why."
    ]
    assert {row["channel"]: row["drop_reason"] for row in await alerts(app.database, incident)} == {
        "console": None,
        "ops": "refused",
    }
    await turned_on(parts, receiver.url)
    assert (await parts.channels.test("p", "ops", actor="ann")).is_delivered


@pytest.mark.parametrize("status", [400, 408, 413, 422, 425, 429])
async def test_a_refusal_of_one_message_turns_no_channel_off(
    app: App, parts: AlertParts, receiver: Receiver, clock: MovingClock, status: int
) -> None:
    """A receiver that is busy, or takes this message not, gets it again later; the channel stays on."""
    receiver.answers = [status]
    await turned_on(parts, receiver.url)
    incident = await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    ((channel,), _) = await parts.channels.list("p")
    assert (channel["is_on"], channel["last_error"]) == (True, f"it answered with status {status}")
    clock.advance(61)
    await parts.outbox.run_once()
    assert {row["channel"]: row["receipt"] for row in await alerts(app.database, incident)}["ops"]


async def test_alerts_wait_for_the_morning_but_critical_ones_do_not(
    app: App, parts: AlertParts, receiver: Receiver, clock: MovingClock
) -> None:
    """Within a channel's quiet hours only critical alerts go out; who said "quiet until" is obeyed even then."""
    now = (await rows(app.database, "SELECT watchkeeper.now() AS now"))[0]["now"]
    quiet = f"{(now.hour - 1) % 24:02}:00-{(now.hour + 2) % 24:02}:00"
    await turned_on(parts, receiver.url, quiet=quiet)
    calm = await opened(app.database)
    hushed = await opened(app.database, "secret_exposed", severity="critical")
    await change(app.database, hushed, "quiet_until = watchkeeper.now() + interval '5 hours'")
    clock.advance(31)
    await parts.outbox.run_once()
    assert receiver.posted == []
    told = await parts.alerts.of_incident("p", calm)
    assert {row["channel"]: row["held_reason"] for row in told["alerts"]} == {
        "console": None,
        "ops": "quiet_hours",
    }
    assert (await parts.alerts.of_incident("p", hushed))["not_told_because"] == "quiet_until"
    urgent = await opened(app.database, "secret_exposed", severity="critical", state="repairing")
    await parts.outbox.run_once()
    assert [posted.document["incidents"] for posted in receiver.posted] == [[str(urgent)]]
    clock.advance(3 * 3600)
    await parts.outbox.run_once()
    assert str(calm) in str([posted.document["incidents"] for posted in receiver.posted])


async def test_nothing_is_sent_while_the_program_mends_it_itself(
    app: App, parts: AlertParts, clock: MovingClock
) -> None:
    """An incident under repair tells nobody, even where a word of it stood in the outbox; over, it takes that back."""
    incident = await opened(app.database, "doctor_failed", next_action="retouch")
    await change(app.database, incident, "state = 'repairing'")
    clock.advance(31)
    await parts.outbox.run_once()
    assert (await parts.alerts.of_incident("p", incident))["not_told_because"] == "repair_under_way"
    await change(app.database, incident, "state = 'needs_human'")
    await parts.outbox.planning.plan()
    await change(app.database, incident, "state = 'verifying'")
    await parts.outbox.run_once()
    (waiting,) = await alerts(app.database, incident)
    assert waiting["held_reason"] == "repair_under_way"
    await change(app.database, incident, "state = 'resolved', resolved_at = watchkeeper.now()")
    clock.advance(16)
    await parts.outbox.run_once()
    (dropped,) = await alerts(app.database, incident)
    assert dropped["drop_reason"] == "resolved"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "localhost", "[::1]"])
async def test_an_address_of_our_own_network_is_refused_at_once(app: App, host: str) -> None:
    """`channel on` takes no address that only machines in here can reach, unless `fetch_allow` names that host."""
    with pytest.raises(UsageError, match="none that is posted to") as refused:
        await turned_on(app.watchdog.alerting, f"http://{host}:9/hook")
    assert "fetch_allow" in refused.value.advice
    assert (await app.watchdog.alerting.channels.list("p"))[0] == []
    with pytest.raises(UsageError, match="no http"):
        await turned_on(app.watchdog.alerting, "file:///etc/passwd")


async def test_an_address_that_is_allowed_no_more_is_never_asked(
    app: App, parts: AlertParts, receiver: Receiver
) -> None:
    """A channel that was turned on while its host was allowed gets nothing once it is not."""
    await turned_on(parts, receiver.url)
    tried = await app.watchdog.alerting.channels.test("p", "ops", actor="ann")
    assert (tried.is_delivered, receiver.posted) == (False, [])


async def test_a_silent_receiver_is_given_up_in_time(receiver: Receiver) -> None:
    """Who takes a message and never answers costs no more than the timeout, and is tried again."""
    receiver.answers = [0]
    with pytest.raises(NoAnswer, match=r"no answer within 0\.2 seconds"):
        await Outward(HERE, seconds=0.2).ask(receiver.url)
    receiver.answers = [0]
    notifier = WebhookNotifier(Outward(HERE, seconds=0.2))
    message = Message(UUID(int=1), "p", "high", "text", "ann", 0, datetime.now(UTC))
    with pytest.raises(NotDelivered) as failure:
        await notifier.send(Address("p", "ops", receiver.url, new_signing_secret()), message)
    assert not failure.value.is_permanent


async def test_the_ping_outside_stops_when_the_watch_does(
    app: App, receiver: Receiver, clock: MovingClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The address outside is asked while ticks are good, and no more when they stay away; that is logged once."""
    ping = DeadMan(receiver.url, app.database, interval_seconds=60, gap_seconds=15)
    await ticked(app)
    await ping.run_once()
    assert len(receiver.posted) == 1
    clock.advance(16)
    for _ in range(2):
        await ping.run_once()
    assert len(receiver.posted) == 1
    await ticked(app)
    receiver.answers = [500]
    await ping.run_once()
    await ping.run_once()
    assert len(receiver.posted) == 3
    assert caplog.text.count("dead_man_failed") == 1
    assert "s3cr3t-path" not in caplog.text
