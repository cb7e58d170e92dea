"""Alerts in chats: one message for an incident, with its changes; what the other side refuses is answered rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import alerts, change, opened
from services.chat_servers import BOT, LINE_USER, TOKEN, ChatServer, Refusal, chatting
from services.webhook_receiver import receiving
from waiting import wait_until
from watchkeeper.app.alerting import AlertParts, alert_parts
from watchkeeper.app.whole import App
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Contact, Policy
from watchkeeper.services.alert_lane import LaneConfig
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.duties import Duties

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


def parts_of(app: App, policy: Policy | None = None, lane: LaneConfig | None = None) -> AlertParts:
    """Give the outbox of an installation that lets channels go to this machine, and has a public address."""
    settings = replace(app.settings, fetch_allow=("127.0.0.1",), url="https://watch.example.org")
    core = replace(app, settings=settings)
    return alert_parts(core, app.watchdog.incidents, lambda: policy or Policy(), lane=lane)


def wanted(kind: str, chat: ChatServer, **given: object) -> WantedChannel:
    told = {
        "line": ({"to": LINE_USER}, {"token": TOKEN}),
        "telegram": ({"chat": "-100200"}, {"token": BOT}),
        "slack": ({"channel": "C1"}, {"token": TOKEN}),
    }
    settings, secrets = told[kind]
    return WantedChannel(kind, kind, settings={**settings, "api": chat.url}, secrets=secrets, **given)


async def turn_on(parts: AlertParts, *channels: WantedChannel) -> None:
    for channel in channels:
        await parts.channels.turn_on("p", channel, actor="ann", reason="for the night")


async def test_an_incident_is_one_message_with_its_changes(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """Told once on each channel; who takes care is shown in place; the end is told once, with how long it lasted."""
    parts = parts_of(app)
    await turn_on(
        parts,
        wanted("telegram", chat),
        wanted("slack", chat),
        wanted("line", chat, language="zh_Hant", time_zone="Asia/Taipei"),
    )
    incident = await opened(app.database, cause=NASTY)
    clock.advance(31)
    for _ in range(3):
        await parts.outbox.run_once()
    (telegram,) = chat.sent("sendMessage")
    (slack,) = chat.sent("chat.postMessage")
    (line,) = chat.sent("push")
    assert telegram.document["text"].startswith("<b>! Evidence refused · less than 1m</b>")
    assert (
        "PLS worker stability alert: worker is alive but project advancement is blocked."
        in telegram.document["text"]
    )
    assert "&lt;b&gt;evil&lt;/b&gt; &amp; right-to-left" in telegram.document["text"]
    assert "\u202e" not in telegram.document["text"]
    assert slack.document["text"].startswith("! Evidence refused")
    assert "&lt;b&gt;evil" in slack.document["blocks"][1]["text"]["text"]
    bubble = line.document["messages"][0]
    assert bubble["altText"].startswith("! 證據未通過檢查")
    assert "Asia/Taipei" in str(bubble["contents"])
    assert bubble["contents"]["footer"]["contents"][0]["action"]["uri"].endswith(f"/incidents/{incident}")
    assert line.headers["x-line-retry-key"] in {str(row["message_id"]) for row in await alerts(app.database)}
    await app.watchdog.incidents.acknowledge(
        "p", incident, actor="chen", note="on it", until=timedelta(hours=4)
    )
    await parts.outbox.run_once()
    (edited,) = chat.sent("editMessageText")
    assert edited.document["message_id"] == 1
    assert "chen takes care until" in edited.document["text"]
    assert "chen takes care until" in str(chat.sent("chat.update")[0].document["blocks"])
    clock.advance(600)
    await change(
        app.database,
        incident,
        "state = 'resolved', resolved_at = watchkeeper.now(), resolved_by = 'evidence'",
    )
    for _ in range(3):
        await parts.outbox.run_once()
    over = chat.sent("sendMessage")[1:]
    assert [one.document["text"].splitlines()[0] for one in over] == [
        "<b>✓ Evidence refused: over · after 10m</b>"
    ]
    assert over[0].document["reply_parameters"]["message_id"] == 1
    assert over[0].document["disable_notification"] is True
    assert chat.sent("chat.postMessage")[1].document["thread_ts"] == "17.000001"
    assert "✓ 證據未通過檢查：已解除 · 歷時 10 分鐘" in str(chat.sent("push")[1].document)
    assert "over" in chat.sent("editMessageText")[-1].document["text"].splitlines()[0]
    count = len(chat.said)
    await parts.outbox.run_once()
    assert len(chat.said) == count
    shown = str(await parts.channels.list("p")) + str(
        await rows(
            app.database,
            "SELECT * FROM watchkeeper.audit_events, watchkeeper.alert_channels, watchkeeper.alerts",
        )
    )
    assert "telegram" in shown
    assert TOKEN not in shown


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


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("slack", Refusal(200, {"ok": False, "error": "is_archived"})),
        (
            "telegram",
            Refusal(403, {"ok": False, "description": "Forbidden: bot was kicked from the group chat"}),
        ),
        (
            "line",
            Refusal(
                400, {"message": "The property, 'to', in the request body is invalid (line: -, column: -)"}
            ),
        ),
    ],
)
async def test_a_chat_that_is_gone_is_turned_off_and_told_elsewhere(
    app: App, chat: ChatServer, clock: MovingClock, kind: str, refusal: Refusal
) -> None:
    """What will take nothing any more is off until a person turns it on; another channel says so."""
    parts = parts_of(app)
    with receiving() as receiver:
        await turn_on(parts, wanted(kind, chat), WantedChannel("ops", "webhook", receiver.url))
        await opened(app.database)
        clock.advance(31)
        chat.refusals = [refusal]
        for _ in range(2):
            await parts.outbox.run_once()
        texts = [posted.document["text"] for posted in receiver.posted]
    assert any(f"The channel {kind} was turned off" in text for text in texts)
    (channel,) = [row for row in (await parts.channels.list("p"))[0] if row["name"] == kind]
    assert channel["is_on"] is False


async def test_one_message_that_is_refused_turns_no_channel_off(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """A message that will never be taken is given up and told elsewhere; Slack's busy answer pauses the channel."""
    parts = parts_of(app)
    await turn_on(parts, wanted("slack", chat))
    await opened(app.database)
    clock.advance(31)
    chat.refusals = [Refusal(200, {"ok": False, "error": "no_text"})]
    await parts.outbox.run_once()
    ((channel,), _) = await parts.channels.list("p")
    assert channel["is_on"]
    dropped = [row["drop_reason"] for row in await alerts(app.database) if row["channel"] == "slack"]
    assert "gave_up" in dropped
    chat.refusals = [Refusal(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "40"})]
    await opened(app.database, "artifact_lost", cause="disk")
    clock.advance(31)
    await parts.outbox.run_once()
    ((channel,), _) = await parts.channels.list("p")
    assert channel["paused_until"] is not None


async def test_a_channel_that_hangs_harms_no_other(app: App, chat: ChatServer) -> None:
    """While one channel never answers, the others get what is new within two seconds, by the duty as it runs."""
    parts = parts_of(app, lane=LaneConfig(deadline=20.0))
    with receiving() as receiver:
        await turn_on(parts, wanted("slack", chat), WantedChannel("ops", "webhook", receiver.url))
        chat.refusals = [Refusal(0)]
        duties = Duties(parts.outbox.duty())
        duties.start()
        for number, rule in enumerate(("secret_exposed", "artifact_lost"), 1):
            await opened(app.database, rule, severity="critical", cause=rule)
            what = "an alert goes out beside the channel that hangs"
            await asyncio.to_thread(wait_until, lambda told=number: len(receiver.posted) == told, 2.0, what)
        assert len(chat.sent("chat.postMessage")) == 1
        await duties.stop()


async def test_a_storm_is_one_message_and_an_hour_has_an_end(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """Incidents of one cause are one message with their number; beyond an hour's cap the rest goes together."""
    parts = parts_of(app)
    await turn_on(parts, wanted("slack", chat, per_hour=2))
    for _ in range(3):
        await opened(app.database, cause="w2 disk full")
    for number in range(4):
        await opened(app.database, "fetch_failed", cause=f"cause {number}")
    clock.advance(400)
    await parts.outbox.run_once()
    titles = [one.document["text"].splitlines()[0] for one in chat.sent("chat.postMessage")]
    assert len(titles) == 2
    assert "! 3 alerts, 1 cause: Evidence refused · w2 disk full" in titles
    clock.advance(3600)
    await parts.outbox.run_once()
    (digest,) = [one for one in chat.sent("chat.postMessage") if "alerts together" in one.document["text"]]
    assert digest.document["text"].startswith("3 alerts together: more than this channel carries in an hour")


async def test_a_template_of_ones_own_is_used_and_a_broken_one_says_so(
    app: App, chat: ChatServer, clock: MovingClock
) -> None:
    """A template that fails, or tries to get out, leaves the plain sentence, which tells that it is broken."""
    texts = {
        Moment.OPENED: {MessageLanguage.EN: "{{ what }}!!\n{{ nothing_such }}"},
        Moment.TEST: {
            MessageLanguage.EN: "Hello {{ channel }}",
            MessageLanguage.ZH_HANT: "{{ ''.__class__.__mro__ }}",
        },
    }
    contacts = {"worker_maintainer": Contact("lin", language=MessageLanguage.EN)}
    parts = parts_of(app, Policy(alert_texts=texts, contacts=contacts))
    await turn_on(parts, wanted("telegram", chat), wanted("slack", chat, language="zh_Hant"))
    assert (await parts.channels.test("p", "telegram", actor="ann")).is_delivered
    assert chat.sent("sendMessage")[0].document["text"] == "<b>Hello telegram</b>"
    assert (await parts.channels.test("p", "slack", actor="ann")).is_delivered
    assert "範本有誤" in chat.sent("chat.postMessage")[0].document["text"]
    await opened(app.database)
    clock.advance(31)
    await parts.outbox.run_once()
    for text in (
        chat.sent("sendMessage")[1].document["text"],
        chat.sent("chat.postMessage")[1].document["text"],
    ):
        assert "PLS worker stability alert: worker is alive but" in text, (
            "lin is told in English wherever it is"
        )
        assert "(The template of 'opened' is broken: UndefinedError" in text


async def test_what_is_wrong_with_a_channel_is_said_when_it_is_turned_on(app: App, chat: ChatServer) -> None:
    """Missing, misspelt and misshapen parts are refused, and no secret is in what is said of them."""
    parts = parts_of(app)
    for settings, secrets, said in (
        ({}, {"token": TOKEN}, "needs to"),
        ({"to": LINE_USER}, {}, "needs token"),
        ({"to": "me"}, {"token": TOKEN}, "cannot be"),
        ({"to": LINE_USER}, {"tokn": TOKEN}, "knows no secret"),
        ({"to": LINE_USER, "api": "http://10.0.0.1"}, {"token": TOKEN}, "none that is posted to"),
    ):
        with pytest.raises(UsageError, match=said) as refused:
            await turn_on(parts, WantedChannel("it", "line", settings=settings, secrets=secrets))
        assert TOKEN not in str(refused.value)
    await turn_on(parts, wanted("line", chat))
    rehearsed = await parts.channels.test("p", "line", actor="ann", dry_run=True)
    assert "LINE says that the message is valid" in rehearsed.detail
    assert chat.sent("push") == []
    assert [one.path for one in chat.said] == ["/v2/bot/message/validate/push"]
    again = WantedChannel("line", "line", quiet="22:00-07:00")
    await turn_on(parts, again)
    assert (await parts.channels.test("p", "line", actor="ann")).is_delivered, "what was not said again stays"
    assert UUID(chat.sent("push")[0].headers["x-line-retry-key"])
