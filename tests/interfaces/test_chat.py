"""Chats as a way in: what is proved is heard once and answered; only linked people decide, on the plan they saw."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from interfaces.chat_platforms import (
    Post,
    line,
    line_event,
    line_text,
    slack,
    telegram,
    telegram_text,
)
from interfaces.chat_room import EVENTS, SECRETS, TRAIL, Room
from moving_clock import MovingClock
from watchkeeper.services.people import Question

SECRET_THINGS = (*SECRETS.values(), "token-of-line")


async def test_what_is_not_proved_is_not_heard(room: Room, clock: MovingClock) -> None:
    """Altered, unsigned, late, for another door or by another's secret: 401 or 404, nothing kept; the trail says so."""
    good = line(SECRETS["line"], line_text("help"))
    altered = replace(good, body=good.body.replace(b"help", b"halp"))
    late = slack(SECRETS["slack"], await room.now() - 301, form={"command": "/wk", "text": "help"})
    refused = [
        await room.send("line", altered),
        await room.send("line", Post(good.body, {"Content-Type": "application/json"})),
        await room.send("line", line(SECRETS["slack"], line_text("help"))),
        await room.send("telegram", telegram("wrong" * 5, telegram_text("help"))),
        await room.send("slack", late),
    ]
    assert refused == [401] * 5
    for path in ("/api/inbound/line/unknown", room.paths["line"].replace("line", "slack")):
        assert (await room.api.http.post(path, content=good.body, headers=good.headers)).status_code == 404
    too_much = line(SECRETS["line"], line_text("x" * 300_000))
    assert await room.send("line", too_much) == 413
    assert await room.rows(EVENTS) == []
    assert room.apis.calls == []
    await room.api.app.refusals.stop()
    assert {row["event"] for row in await room.rows(TRAIL, like="inbound%")} == {"inbound_refused"}
    assert await room.send("line", good) == 200


async def test_an_event_that_comes_again_is_handled_once(room: Room) -> None:
    """The same webhookEventId, update_id or trigger is answered 200 each time, acted on and answered once."""
    update = telegram(SECRETS["telegram"], telegram_text("help"))
    event = line_text("help")
    command = {"command": "/wk", "text": "help", "channel_id": "C1", "trigger_id": "t1", "user_id": "U7"}
    command["response_url"] = f"{room.apis.url}/commands/1"
    for _ in range(3):
        assert await room.send("telegram", update) == 200
        assert await room.send("line", line(SECRETS["line"], {**event, "deliveryContext": {}})) == 200
        form = slack(SECRETS["slack"], await room.now(), form=command)
        assert await room.send("slack", form) == 200
    assert sorted(call.path for call in room.apis.calls) == [
        "/bottoken-of-telegram/sendMessage",
        "/commands/1",
        "/v2/bot/message/reply",
    ]
    assert all("status" in text for text in room.apis.texts)
    kept = await room.rows(EVENTS)
    assert [(row["outcome"], row["reply"], row["error"]) for row in kept] == [("help", None, None)] * 3


async def test_platforms_may_ask_whether_we_are_there(room: Room) -> None:
    """LINE's empty request is answered 200, Slack's challenge is sent back."""
    assert await room.send("line", line(SECRETS["line"])) == 200
    asked = slack(SECRETS["slack"], await room.now(), event={"type": "url_verification", "challenge": "c-17"})
    answered = await room.api.http.post(room.paths["slack"], content=asked.body, headers=asked.headers)
    assert (answered.status_code, answered.text) == (200, "c-17")


async def test_the_talk_of_a_group_is_not_kept(room: Room) -> None:
    """What people write to each other leaves nothing but the chat's id, which a person needs to set the channel up."""
    await room.send("line", line(SECRETS["line"], line_text("lunch?", group="C" + "a" * 32)))
    await room.send("line", line(SECRETS["line"], line_event("follow", "U2"), line_event("join", group="Cb")))
    await room.send("telegram", telegram(SECRETS["telegram"], telegram_text("lunch?", chat=-9)))
    assert await room.rows(EVENTS) == []
    told = (await room.api.get("/api/chat/places")).body["places"]
    assert {(place["channel"], place["kind"], place["chat"]) for place in told} == {
        ("line", "group", "C" + "a" * 32),
        ("line", "user", "U2"),
        ("line", "group", "Cb"),
        ("telegram", "group", "-9"),
    }
    assert "lunch" not in str(await room.rows("SELECT * FROM watchkeeper.chat_places"))


async def test_an_account_is_linked_by_a_code_sent_once(room: Room, clock: MovingClock) -> None:
    """A code from Settings makes a chat's account somebody's, once and within ten minutes; the trail says so."""
    token = await room.api.token("supervisor")
    made = (await room.api.post("/api/chat/codes", token=token)).body["code"]["secret"]
    assert "I do not know who you are" in await room.say("status")
    assert "Linked: here you are supervisor-p-None." in await room.say(f"link {made.lower()}")
    assert "This code is unknown" in await room.say(made, "U2")
    assert "p: 0 open incidents" in await room.say("status")
    (link,) = (await room.api.get("/api/chat/links", token=token)).body["links"]
    assert (link["account"], link["role"], link["counts"]) == ("U1", "supervisor", True)
    assert (await room.api.get("/api/chat/links", role="viewer")).body["links"] == [], "of others"
    stranger = await room.api.post(f"/api/chat/links/{link['id']}/unlink", {"reason": "x"}, role="viewer")
    assert stranger.status == 404
    old = (await room.api.post("/api/chat/codes", token=token)).body["code"]["secret"]
    clock.advance(601)
    assert "older than ten minutes" in await room.say(old, "U3")
    assert "linked to nobody" in await room.say("unlink")
    assert "I do not know who you are" in await room.say("status")
    events = [row["event"] for row in await room.rows(TRAIL, like="chat_%%")]
    assert events[3:] == [
        *("chat_code_created", "chat_account_linked", "chat_code_created", "chat_account_unlinked")
    ]
    for table in ("chat_events", "chat_codes", "audit_events"):
        assert made not in str(await room.rows(f"SELECT * FROM watchkeeper.{table}"))
    assert (await room.api.post("/api/chat/codes", role="worker")).status == 403


async def test_codes_are_not_guessed(room: Room) -> None:
    """After five wrong codes of an account even the right one is not looked at for ten minutes."""
    code = await room.code(await room.person("ann"))
    for _ in range(5):
        assert "unknown" in await room.say("WK-00000-00000")
    assert "Too many wrong codes" in await room.say(code)
    assert "Linked" in await room.say(code, "U2")


async def test_a_link_ends_with_the_token_it_was_made_with(room: Room) -> None:
    """Whose token is revoked has no word in a chat any more."""
    ann = await room.person("ann")
    await room.say(await room.code(ann))
    assert ann.token_id is not None
    await room.api.app.identity.revoke(ann.token_id, "p", actor="t", reason="gone")
    assert "I do not know who you are" in await room.say("status")
    assert not (await room.api.get("/api/chat/links")).body["links"][0]["counts"]


async def test_words_alone_decide_nothing(room: Room) -> None:
    """A reply from a chat is recorded for who is linked with the right; the proposal that it names stays undecided."""
    app = room.api.app
    reply = "owner=Lin; adopt=watchdog_config; blocker=none"
    assert "I do not know who you are" in await room.say(reply)
    await room.say(await room.code(await room.person("lin")))
    made = await room.api.post(
        "/api/proposals",
        {
            "kind": "watchdog_config",
            "decision": "Adopt.",
            "problem": "x",
            "options": ["a"],
            "recommendation": "a",
            "reasoning": "x",
            "feedback_if_rejected": "x",
            "fingerprint": "f",
        },
        role="worker",
    )
    proposal = UUID(made.body["proposal"]["id"])
    question = await app.watchdog.knowledge.people.ask(
        "p", Question("Lin", "Adopt it?", proposal_id=proposal), actor="t"
    )
    assert "decided on its page" in await room.say(reply)
    answered = await app.watchdog.knowledge.people.show("p", question["id"])
    assert (answered["answer"], answered["reply"]["adopt"]) == (reply, "watchdog_config")
    assert (await app.watchdog.knowledge.proposals.show("p", proposal))["adoption_status"] == "proposed"
    assert await room.say("owner=Lin; adopt=revise") == (
        "Recorded: a revision is asked for: threshold, authority, data, alert channel, auto-release."
    )
    assert "did you mean 'owner'" in await room.say("owner=Lin; ovner=Ann")
    for word in ("approve", "yes", "核准"):
        assert "I understand" in await room.say(word)


async def test_no_secret_is_shown(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """What proves requests and what answers are sent with stand in no answer, no log, no table but their own."""
    doors = await room.api.get("/api/chat/doors")
    made = await room.api.post("/api/chat/doors", {"channel": "other", "platform": "telegram", "reason": "x"})
    assert len(made.body["door"]["secret"]) == 43
    assert (await room.api.get("/api/chat/doors", role="supervisor")).status == 403
    room.apis.statuses = [403]
    await room.say("help")
    assert "chat_answer_failed" in caplog.text
    tables = await room.rows(
        "SELECT (SELECT json_agg(e) FROM watchkeeper.audit_events e)::text AS trail,"
        " (SELECT json_agg(d) FROM watchkeeper.chat_doors d)::text AS doors,"
        " (SELECT json_agg(e) FROM watchkeeper.chat_events e)::text AS events"
    )
    for secret in SECRET_THINGS:
        assert secret not in str(doors.body) + caplog.text + str(tables)
    closed = await room.api.post("/api/chat/doors/line/close", {"reason": "x"})
    assert closed.status == 200
    assert await room.send("line", line(SECRETS["line"])) == 404
