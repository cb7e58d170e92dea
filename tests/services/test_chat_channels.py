"""Alerts in chats: one message for an incident, with its changes; what the other side refuses is answered rightly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import alerts, change, opened
from services.chat_servers import TOKEN, ChatServer, Refusal, chatting
from services.chats import parts_of, turn_on, wanted
from watchkeeper.app.alerting import AlertParts
from watchkeeper.app.whole import App
from watchkeeper.services.alert_lane import LaneConfig

NASTY = "<b>evil</b> & \u202eright-to-left " + "x" * 9_000
REPAIR = """
INSERT INTO watchkeeper.repair_actions (project_id, incident_id, pool, trigger, action, authority, actor, reason, plan,
                                        plan_digest, policy_version, policy_digest, state, expires_at)
VALUES ('p', %(incident)s, 'default', 'doctor_failed', 'reclaim', 'supervisor', 'system', 'r', '{}', 'abcdef0123456789',
        'v', 'd', 'proposed', watchkeeper.now() + interval '1 hour')
RETURNING id
"""


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chatting() as server:
        yield server


@pytest.fixture
async def parts(app: App, chat: ChatServer) -> AlertParts:
    """Give an outbox with a chat of each kind, LINE in Chinese."""
    parts = parts_of(app)
    in_taipei = wanted("line", chat, language="zh_Hant", time_zone="Asia/Taipei")
    await turn_on(parts, wanted("telegram", chat), wanted("slack", chat), in_taipei)
    return parts


async def test_an_incident_is_one_message_on_each_channel(
    app: App, parts: AlertParts, chat: ChatServer, clock: MovingClock
) -> None:
    """Told once, in the channel's marks and language; what comes from outside is cut, escaped and turns nothing."""
    incident = await opened(app.database, cause=NASTY)
    clock.advance(31)
    for _ in range(3):
        await parts.outbox.run_once()
    (telegram,) = chat.sent("sendMessage")
    (slack,) = chat.sent("chat.postMessage")
    (line,) = chat.sent("push")
    text = telegram.document["text"]
    assert text.startswith("<b>! Evidence refused · less than 1m</b>")
    assert "PLS worker stability alert: worker is alive but project advancement is blocked." in text
    assert "&lt;b&gt;evil&lt;/b&gt; &amp; right-to-left" in text
    assert "\u202e" not in text
    assert slack.document["text"].startswith("! Evidence refused")
    assert "&lt;b&gt;evil" in slack.document["blocks"][1]["text"]["text"]
    bubble = line.document["messages"][0]
    assert bubble["altText"].startswith("! 證據未通過檢查")
    assert "Asia/Taipei" in str(bubble["contents"])
    button = bubble["contents"]["footer"]["contents"][0]
    assert button["action"]["uri"].endswith(f"/incidents/{incident}")
    keys = {str(row["message_id"]) for row in await alerts(app.database)}
    assert line.headers["x-line-retry-key"] in keys
    of_channels = await rows(
        app.database,
        "SELECT * FROM watchkeeper.audit_events, watchkeeper.alert_channels, watchkeeper.alerts",
    )
    shown = f"{await parts.channels.list('p')}{of_channels}"
    assert "telegram" in shown
    assert TOKEN not in shown


async def test_a_message_shows_what_becomes_of_its_incident(
    app: App, parts: AlertParts, chat: ChatServer, clock: MovingClock
) -> None:
    """Who takes care is shown in place, without a new message; the end is told once, with how long it lasted."""
    incident = await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    hours = timedelta(hours=4)
    await app.watchdog.incidents.acknowledge("p", incident, actor="chen", note="on it", until=hours)
    await parts.outbox.run_once()
    (edited,) = chat.sent("editMessageText")
    assert edited.document["message_id"] == 1
    assert "chen takes care until" in edited.document["text"]
    assert "chen takes care until" in str(chat.sent("chat.update")[0].document["blocks"])
    assert len(chat.sent("sendMessage", "chat.postMessage", "push")) == 3
    clock.advance(600)
    await change(app.database, incident, "state = 'resolved', resolved_at = watchkeeper.now()")
    for _ in range(3):
        await parts.outbox.run_once()
    (over,) = chat.sent("sendMessage")[1:]
    first_line = over.document["text"].splitlines()[0]
    assert first_line == "<b>✓ Evidence refused: over · after 10m</b>"
    assert over.document["reply_parameters"]["message_id"] == 1
    assert over.document["disable_notification"] is True
    assert chat.sent("chat.postMessage")[1].document["thread_ts"] == "17.000001"
    assert "✓ 證據未通過檢查：已解除 · 歷時 10 分鐘" in str(chat.sent("push")[1].document)
    assert "over" in chat.sent("editMessageText")[-1].document["text"].splitlines()[0]
    count = len(chat.said)
    await parts.outbox.run_once()
    assert len(chat.said) == count


async def test_a_repair_that_awaits_a_word_is_told_at_once(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """Who was told of the incident already hears of the approval when it is asked, once; who decided is shown."""
    parts = parts_of(app)
    await turn_on(parts, wanted("telegram", chat))
    incident = await opened(app.database, "doctor_failed", state="needs_human")
    clock.advance(31)
    await parts.outbox.run_once()
    (repair,) = await rows(app.database, REPAIR, {"incident": incident})
    for _ in range(2):
        await parts.outbox.run_once()
    _, asked = chat.sent("sendMessage")
    assert asked.document["text"].startswith("<b>! Approve a repair: reclaim the job")
    assert "Plan abcdef012345, open until " in asked.document["text"]
    assert str(repair["id"]) in str(asked.document["reply_markup"])
    decided = "UPDATE watchkeeper.repair_actions SET state = 'rejected' WHERE id = %(id)s;"
    await rows(app.database, decided, {"id": repair["id"]})
    said = (
        "INSERT INTO watchkeeper.approvals (project_id, repair_id, plan_digest, decision, actor)"
        " VALUES ('p', %(id)s, 'abcdef0123456789', 'rejected', 'lin') RETURNING id"
    )
    await rows(app.database, said, {"id": repair["id"]})
    await parts.outbox.run_once()
    assert "The repair was rejected by lin." in chat.sent("editMessageText")[-1].document["text"]


async def test_line_takes_a_message_once(app: App, chat: ChatServer, clock: MovingClock) -> None:
    """A push whose answer was lost is repeated under the same key, and 409 says that the first was taken."""
    parts = parts_of(app, lane=LaneConfig(deadline=0.3))
    await turn_on(parts, wanted("line", chat))
    await opened(app.database)
    clock.advance(31)
    chat.refusals = [Refusal(0)]
    await parts.outbox.run_once()
    await opened(app.database)
    clock.advance(61)
    for _ in range(2):
        await parts.outbox.run_once()
    first, again = chat.sent("push")[:2]
    assert first.headers["x-line-retry-key"] == again.headers["x-line-retry-key"]
    taken = [row for row in await alerts(app.database) if row["channel"] == "line" and row["sent_at"]]
    assert taken[0]["receipt"]["status"] == 409
    assert len({row["message_id"] for row in taken}) == len(taken), (
        "nothing new rode on the key of what was taken"
    )


@pytest.mark.parametrize(
    ("used", "alone", "together"),
    [(159, 2, False), (160, 1, True), (190, 0, True)],
    ids=["79 %", "80 %", "95 %"],
)
async def test_a_month_that_runs_low_is_kept_for_what_is_critical(
    app: App, chat: ChatServer, clock: MovingClock, used: int, alone: int, together: bool
) -> None:
    """From 80 % on only critical alerts go alone, from 95 % on none; the others go as one, and people are told why."""
    parts = parts_of(app)
    chat.line_limit, chat.line_used = 200, used
    await turn_on(parts, wanted("line", chat))
    await opened(app.database)
    await opened(app.database, "secret_exposed", severity="critical")
    clock.advance(31)
    await parts.outbox.run_once()
    assert len(chat.sent("push")) == alone
    told = [row["body"] for row in await alerts(app.database) if row["subject"] == "channel line"]
    assert bool(told) is together
    if together:
        await opened(app.database, "artifact_lost", cause="disk")
        clock.advance(31)
        await parts.outbox.run_once()
        held = {row["held_reason"] for row in await alerts(app.database) if row["channel"] == "line"}
        assert "quota" in held
        clock.advance(6 * 3600)
        await parts.outbox.run_once()
        assert any("alerts together" in str(one.document) for one in chat.sent("push"))


BUSY = Refusal(429, {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 90}})
MARKS = Refusal(400, {"ok": False, "description": "Bad Request: can't parse entities"})
MOVED = Refusal(
    400,
    {
        "ok": False,
        "description": "Bad Request: group chat was upgraded",
        "parameters": {"migrate_to_chat_id": -100999},
    },
)


async def test_telegram_says_what_to_do_and_that_is_done(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """Busy: later, as long as it says. Marks refused: the plain text. A group that moved: there, from now on."""
    parts = parts_of(app)
    await turn_on(parts, wanted("telegram", chat))
    incident = await opened(app.database)
    clock.advance(31)
    chat.refusals = [BUSY]
    await parts.outbox.run_once()
    (waiting,) = [row for row in await alerts(app.database, incident) if row["channel"] == "telegram"]
    assert waiting["held_reason"] == "back_off"
    clock.advance(60)
    await parts.outbox.run_once()
    assert len(chat.sent("sendMessage")) == 1
    clock.advance(31)
    chat.refusals = [MARKS]
    await parts.outbox.run_once()
    plain = chat.sent("sendMessage")[-1].document
    assert "parse_mode" not in plain
    assert "<b>" not in plain["text"]
    chat.refusals = [MOVED]
    assert (await parts.channels.test("p", "telegram", actor="ann")).is_delivered
    assert chat.sent("sendMessage")[-1].document["chat_id"] == "-100999"
    ((channel,), _) = await parts.channels.list("p")
    assert channel["settings"]["chat"] == "-100999"
