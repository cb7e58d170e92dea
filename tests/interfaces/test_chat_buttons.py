"""Buttons in chats: every press is answered, the first one acts, and a repair is decided on the plan that was shown."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from interfaces.chat_platforms import line_press, slack, slack_press, telegram, telegram_press, telegram_text
from interfaces.chat_room import EVENTS, SECRETS, TRAIL, Room
from moving_clock import MovingClock
from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.chat.words import Press
from watchkeeper.domain.principals import Role
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.chat.buttons import ButtonFor
from watchkeeper.services.repairs.desk import Wish


async def waiting_repair(app: App) -> tuple[UUID, UUID, str]:
    """Give an incident, the repair that somebody asked for because of it, and the plan's digest."""
    shop = Shop(app)
    job = await shop.running()
    incident = await shop.incident("silent_loop", job.id)
    wish = Wish(RepairAction.RELEASE, "it hangs", job=job.id, incident=incident)
    asked = await shop.desk.ask("p", wish, await shop.person("wu"))
    return incident, UUID(str(asked["id"])), str(asked["plan_digest"])


async def test_who_is_in_the_chat_may_take_care(room: Room, clock: MovingClock) -> None:
    """An alert is acknowledged by a press, linked or not; every later press says who did it, and how it stands."""
    incident = await Shop(room.api.app).incident("artifact_gate_failed")
    alert = await room.alert(incident)
    meant = ButtonFor(Press.ACKNOWLEDGE, "p", "p", "line", alert, incident)
    token = await room.button(meant)
    assert len(token) == 22
    first = await room.line(line_press(token, "U9", group="C1"))
    assert first.startswith("U9 takes care") or "takes care of it for four hours" in first
    assert "The incident artifact_gate_failed is acknowledged, by line:U9." in first
    again = await room.line(line_press(token, "U1", group="C1"))
    assert again.startswith("line:U9 pressed this at ")
    late = await room.button(meant, 60)
    clock.advance(61)
    assert (await room.line(line_press(late))).startswith("This button ran out at ")
    other = await room.telegram(telegram_press(await room.button(meant)))
    assert other.startswith("This button does nothing here"), "a button of another channel"
    assert (await room.line(line_press("x" * 22))).startswith("This button does nothing here")
    [acked] = await room.rows("SELECT acknowledged_by FROM watchkeeper.watchdog_incidents")
    assert acked["acknowledged_by"] == "line:U9"
    pressed = await room.rows(TRAIL, like="chat_button%%")
    assert [(row["event"], row["actor"]) for row in pressed] == [("chat_button_pressed", "line:U9")]
    kept = str(await room.rows("SELECT * FROM watchkeeper.chat_buttons, watchkeeper.chat_events"))
    assert token not in kept


async def test_a_repair_is_approved_by_two_presses_of_a_linked_person(room: Room) -> None:
    """Unlinked: decided on its page. Viewer: refused. Supervisor: asked once more, then it runs; others are told."""
    app = room.api.app
    incident, repair, digest = await waiting_repair(app)
    meant = ButtonFor(Press.APPROVE, "p", "p", "telegram", uuid4(), incident, repair, digest)
    token = await room.button(meant)
    told = await room.telegram(telegram_press(token))
    assert told.startswith("This is decided on its page")
    assert "is proposed" in told
    viewer, lin = await room.person("vic", role=Role.VIEWER), await room.person("lin")
    for account, who in ((7, viewer), (8, lin)):
        code = await room.code(who)
        assert "Linked" in await room.telegram(telegram_text(f"/start {code}", account, account))
    assert "may not decide" in await room.telegram(telegram_press(token, 7))
    confirm = await room.telegram(telegram_press(token, 8))
    assert "Press once more" in confirm
    second = room.apis.token
    assert (await room.telegram(telegram_press(second, 7))).startswith("This button is for another person")
    assert (await room.telegram(telegram_press(token, 8))).startswith("lin pressed this at ")
    done = await room.telegram(telegram_press(second, 8))
    assert done.startswith("lin decided. ")
    assert "by lin" in done
    shown = await app.watchdog.repairs.show("p", repair)
    assert [(word["decision"], word["actor"], word["plan_digest"]) for word in shown["approvals"]] == [
        ("approved", "principal:p/lin", digest)
    ]
    reject = replace(meant, act=Press.REJECT)
    beaten = await room.telegram(telegram_press(await room.button(reject), 8))
    assert beaten.startswith("Not done: somebody was faster"), beaten


async def test_another_plan_is_not_approved(room: Room) -> None:
    """A press that was meant for a plan that is no more approves nothing, and says so."""
    incident, repair, _ = await waiting_repair(room.api.app)
    await room.telegram(telegram_text(await room.code(await room.person("lin")), 8, 8))
    meant = ButtonFor(Press.APPROVE_NOW, "p", "p", "slack", None, incident, repair, "another")
    code = await room.code(await room.person("lin"))
    url = f"{room.apis.url}/actions/1"
    form = {"command": "/wk", "text": code, "channel_id": "C1", "trigger_id": "t1", "user_id": "U7"}
    await room.send("slack", slack(SECRETS["slack"], await room.now(), form={**form, "response_url": url}))
    assert "Linked" in room.apis.last
    told = await room.slack(slack_press(await room.button(meant), url))
    assert told.startswith("Not done: the plan is not the one that you saw")
    assert (await room.api.app.watchdog.repairs.show("p", repair))["state"] == "proposed"


async def test_what_was_left_over_is_taken_up(room: Room, clock: MovingClock) -> None:
    """A server that dies after its 200 leaves the event to a duty; one that dies before the answer acts once only."""
    app = room.api.app
    incident = await Shop(app).incident("artifact_gate_failed")
    alert = await room.alert(incident)
    token = await room.button(ButtonFor(Press.ACKNOWLEDGE, "p", "p", "telegram", alert, incident), 600)
    room.apis.statuses = [500]
    handling = app.watchdog.chat.handling
    await room.send("telegram", telegram(SECRETS["telegram"], telegram_press(token)))
    [event] = await room.rows(EVENTS)
    assert (event["outcome"], event["handled_at"]) == ("acknowledged", None)
    assert (await handling.run_once()).counts["chat_events"] == 0, "somebody has it"
    clock.advance(61)
    assert (await handling.run_once()).counts["chat_events"] == 1
    assert "takes care of it" in room.apis.last
    assert len(await room.rows(TRAIL, like="chat_button%%")) == 1
    assert len(await room.rows(TRAIL, like="incident_ack%%")) == 1
