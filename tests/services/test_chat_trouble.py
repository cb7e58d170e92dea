"""Chats in trouble: what is gone, what hangs, what is too much, and what is wrong with a channel or a template."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest

from moving_clock import MovingClock
from services.alerts import alerts, opened
from services.chat_servers import LINE_USER, TOKEN, ChatServer, Refusal, chatting
from services.chats import parts_of, turn_on, wanted
from services.webhook_receiver import receiving
from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.policies import Contact, Policy
from watchkeeper.services.alert_lane import LaneConfig
from watchkeeper.services.channels import WantedChannel
from watchkeeper.services.duties import Duties
from watchkeeper.services.notifiers import slack
from watchkeeper.services.notifiers.port import Message


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chatting() as server:
        yield server


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


async def test_a_fault_of_our_own_costs_one_try(
    app: App, chat: ChatServer, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notifier that breaks on a message is told in the log and tried again; the channel's other messages go out."""
    parts = parts_of(app)
    await turn_on(parts, wanted("slack", chat))
    first = await opened(app.database, cause="breaks")
    second = await opened(app.database, "fetch_failed", cause="goes")
    clock.advance(400)
    whole = slack.blocks

    def breaks(message: Message) -> list[dict[str, object]]:
        if "breaks" in " ".join(message.lines):
            raise ValueError("no such mark")
        return whole(message)

    monkeypatch.setattr(slack, "blocks", breaks)
    await parts.outbox.run_once()
    (held,) = [row for row in await alerts(app.database, first) if row["channel"] == "slack"]
    assert (held["held_reason"], held["last_error"]) == (
        "back_off",
        "this program failed to send it: ValueError",
    )
    assert [row["sent_at"] is None for row in await alerts(app.database, second)] == [False, False]
