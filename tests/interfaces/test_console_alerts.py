"""The pages of alerts, channels, people and chats: what they tell, and what is done by their forms."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from interfaces.chat_platforms import Apis
from interfaces.chat_room import SECRETS
from interfaces.console_visitor import Visitor, form_of, visiting
from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import opened
from services.webhook_receiver import receiving
from watchkeeper.app import whole as root
from watchkeeper.domain.leases import hash_secret
from watchkeeper.domain.principals import Role
from watchkeeper.services.chat.doors import WantedDoor
from watchkeeper.services.people import Question
from watchkeeper.services.wanted_channel import WantedChannel
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database

PAGES = ("/alerts", "/alerts/channels", "/alerts/people", "/settings/chat")
BOT_TOKEN = "1:a-token-of-a-bot"
TRY = """
UPDATE watchkeeper.alerts SET attempts = 2, tries = '{}' WHERE drop_reason = 'gave_up' RETURNING id
"""
PLANT = """
INSERT INTO watchkeeper.alerts (project_id, dedup_key, severity, channel, recipient, body, subject, held_reason, due_at,
                                dropped_at, drop_reason)
VALUES ('p', 'a', 'low', 'ops', 'bo', 'x', 'waits', 'quiet_hours', watchkeeper.now() + interval '1 hour', NULL, NULL),
       ('p', 'b', 'high', 'ops', 'bo', '<b>x</b>', 'went', NULL, watchkeeper.now(), watchkeeper.now(), 'gave_up')
"""


@pytest.fixture
async def visitor(settings: Settings, database: Database) -> AsyncIterator[Visitor]:
    """A console whose channels may go to this machine, with a project `p`."""
    app = root.build(replace(settings, fetch_allow=("127.0.0.1",)), database)
    await app.kinds.ensure_project("p")
    async with visiting(app) as visitor:
        yield visitor
    await app.refusals.stop()


async def act(visitor: Visitor, name: str, query: str = "", /, **said: str) -> Any:
    """Fill in the form of an act and send it."""
    page = await visitor.get(f"/acts/{name}?next=/alerts{query}")
    assert page.status == 200, page.words
    return await visitor.post(f"/acts/{name}", **{**form_of(page, name), **said})


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Nobody was told anything yet"), ("zh-TW", "尚未通知任何人")]
)
async def test_empty_pages_say_what_comes_first(visitor: Visitor, language: str, said: str) -> None:
    """Each page stands empty, in both languages and for every role; who may not act sees no button."""
    visitor.speak(language)
    for role in (Role.VIEWER, Role.SUPERVISOR, Role.OWNER):
        await visitor.log_in(role)
        shown = [await visitor.get(path) for path in PAGES]
        assert [page.status for page in shown] == [200] * 4
        assert said in shown[0].words
        assert ("/acts/channel-line" in shown[1].text) is (role is Role.OWNER)
        assert ("/acts/people-ask" in shown[2].text) is (role is not Role.VIEWER)
    assert (await visitor.get("/alerts/019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f11")).status == 404
    assert (await visitor.get("/alerts?state=lost")).status == 400


async def test_an_alert_tells_its_way_and_is_taken_care_of(visitor: Visitor, clock: MovingClock) -> None:
    """What was sent, what waits and why, what was not sent and why; one alert with its receipt, and who takes care."""
    await rows(visitor.app.database, PLANT)
    await opened(visitor.app.database)
    clock.advance(31)
    await visitor.app.watchdog.alerting.outbox.run_once()
    await visitor.log_in(Role.SUPERVISOR)
    shown = await visitor.get("/alerts")
    for words in ("the channel's quiet hours", "every attempt failed", "Evidence refused", "console"):
        assert words in shown.words
    assert "waits" not in (await visitor.get("/alerts?state=sent")).words
    (sent,), _ = await visitor.app.watchdog.alerting.alerts.page("p", state="sent")
    one = await visitor.get(f"/alerts/{sent['id']}")
    assert "shown_in" in one.words
    assert "ago : sent" in one.words
    tried = {
        "at": "2026-11-21T12:00:00+00:00",
        "outcome": "failed",
        "error": "<b>it answered with status 500",
    }
    (given_up,) = await rows(visitor.app.database, TRY.format(json.dumps([tried])))
    other = await visitor.get(f"/alerts/{given_up['id']}")
    assert "failed <b>it answered with status 500" in other.words
    assert "of how many the end is not known: 1" in other.words
    assert "it was told; the next stage follows then" in one.words
    done = await act(visitor, "alert-acknowledge", f"&alert_id={sent['id']}", reason="on it")
    assert done.status == 303
    assert "takes care" in (await visitor.get("/alerts")).words
    assert "somebody takes care until then" in (await visitor.get(f"/alerts/{sent['id']}")).words


async def test_a_channel_is_set_up_by_form(visitor: Visitor, apis: Apis) -> None:
    """Its secrets go in once and are shown nowhere again; it is tried, changed and turned off from its row."""
    await visitor.log_in(Role.OWNER)
    told = {"settings.chat": "-9", "secrets.token": BOT_TOKEN, "name": "bot"}
    wrong = await act(visitor, "channel-telegram", reason="x", **{**told, "time_zone": "Mars/Base"})
    assert wrong.status == 422
    assert "there is no time zone" in wrong.words
    assert BOT_TOKEN not in wrong.text, "what failed is not shown again either"
    made = await act(visitor, "channel-telegram", reason="x", **told, quiet="22:00-07:00")
    assert made.status == 303, made.words[:900]
    shown = await visitor.get("/alerts/channels")
    for words in ("Alerts go by", "bot", "22:00–07:00 UTC", "0 of 30"):
        assert words in shown.words
    api = "UPDATE watchkeeper.alert_channels SET settings = settings || jsonb_build_object('api', %(url)s::text)"
    await rows(visitor.app.database, api, {"url": apis.url})
    tried = await act(visitor, "channel-test", "&name=bot", reason="x")
    assert tried.status == 303
    assert "bot: it was taken" in (await visitor.get("/alerts")).words
    (change,) = (href for href in shown.attributes("a", "href") if "channel-telegram?name=bot" in href)
    page = await visitor.get(change)
    values = {tag[1].get("name"): tag[1].get("value") for tag in page.tags if tag[0] == "input"}
    assert (values["settings.chat"], values["quiet"], values["secrets.token"]) == ("-9", "22:00-07:00", None)
    values |= {"quiet": "", "secrets.token": "", "reason": "x"}
    again = {str(name): value or "" for name, value in values.items() if name}
    assert (await visitor.post("/acts/channel-telegram", **again)).status == 303
    ((kept,), _) = await visitor.app.watchdog.alerting.channels.list("p")
    assert (kept["quiet_from"], kept["settings"]["chat"]) == (None, "-9")
    assert (await act(visitor, "channel-off", "&name=bot", reason="x")).status == 303
    pages = [await visitor.get(path) for path in (*PAGES, "/acts/channel-off?name=bot")]
    assert all(BOT_TOKEN not in page.text for page in pages)
    assert "Off" in pages[1].words


async def test_a_door_is_opened_and_a_chat_found(visitor: Visitor) -> None:
    """An owner opens a door by form, sees the address, and takes the id of a chat over into the channel's form."""
    await visitor.log_in(Role.OWNER)
    said = {"channel": "line", "platform": "line", "signing_secret": SECRETS["line"], "reason": "x"}
    assert (await act(visitor, "chat-open", **said)).status == 303
    place = {"project_id": "p", "channel": "line", "chat": "C" + "a" * 32, "kind": "group", "title": "Ops"}
    await visitor.app.database.fetch("note_chat_place", place)
    shown = await visitor.get("/alerts/channels")
    assert "/api/inbound/line/" in shown.words
    (there,) = (href for href in shown.attributes("a", "href") if "settings.to" in href)
    assert f'value="{place["chat"]}"' in (await visitor.get(there)).text
    made = await act(visitor, "chat-open", channel="bot", platform="telegram", reason="x")
    assert "This is shown once" in made.words
    assert (await act(visitor, "chat-close", "&channel=line", reason="x")).status == 303
    assert [door["channel"] for door in await visitor.app.watchdog.chat.doors.list("p")] == ["bot"]


async def test_a_code_is_made_and_a_link_is_ended_in_settings(visitor: Visitor) -> None:
    """The code stands on one page that no browser keeps; the linked account is listed, and unlinked."""
    chat = visitor.app.watchdog.chat
    await chat.doors.open("p", WantedDoor("line", "line", SECRETS["line"]), actor="ann", reason="x")
    await visitor.log_in(Role.SUPERVISOR)
    made = await act(visitor, "chat-code")
    assert made.headers["cache-control"] == "no-store"
    (code,) = (word for word in made.words.split() if word.startswith("WK-"))
    event = {"project_id": "p", "channel": "line", "account": "U1", "account_name": "Lin"}
    async with visitor.app.database.transaction() as connection:
        await chat.links.link(connection, {**event, "secret_hash": hash_secret(code)})
    page = await visitor.get("/settings/chat")
    assert "Lin" in page.words
    (unlink,) = (href for href in page.attributes("a", "href") if "chat-unlink" in href)
    form = form_of(await visitor.get(unlink), "chat-unlink")
    assert (await visitor.post("/acts/chat-unlink", **form, reason="x")).status == 303
    assert "No account is linked yet" in (await visitor.get("/settings/chat")).words


async def test_people_are_asked_and_answer_by_form(visitor: Visitor, clock: MovingClock) -> None:
    """What is overdue says so; a form makes the operator's reply, with its effect."""
    people = visitor.app.watchdog.knowledge.people
    await visitor.log_in(Role.SUPERVISOR)
    assert (await act(visitor, "people-ask", person="Louis", question="<b>May it?</b>")).status == 303
    now = (await visitor.app.database.fetch_row("clock"))["now"]
    late = await people.ask("p", Question("Ann", "When?", now.replace(year=now.year + 1)), actor="t")
    clock.advance(366 * 86_400)
    await visitor.log_in(Role.SUPERVISOR)
    shown = await visitor.get("/alerts/people")
    assert "<b>May it?</b>" in shown.words
    assert "overdue" in shown.words
    answered = await act(
        visitor, "people-decide", f"&sync_id={late['id']}", adopt="revise", owner="Lin; Ann", blocker="no DB"
    )
    assert answered.status == 303
    row = await people.show("p", late["id"])
    assert (row["answer"], row["reply"]["owner"]) == (
        "owner=Lin, Ann; adopt=revise; blocker=no DB",
        "Lin, Ann",
    )
    assert (await act(visitor, "people-reply", first_metric="lease_expiry")).status == 303
    nothing = await act(visitor, "people-reply")
    assert nothing.status == 422
    assert "When?" not in (await visitor.get("/alerts/people?show=open")).words


async def test_a_login_link_goes_over_a_channel(visitor: Visitor) -> None:
    """An owner names a channel that is on: the link is shown this once, and is in one message, and nowhere else."""
    await visitor.log_in(Role.OWNER)
    with receiving() as receiver:
        hook = WantedChannel("hook", "webhook", receiver.url)
        await visitor.app.watchdog.alerting.channels.turn_on(
            "p", hook, actor="ann", reason="to let people in"
        )
        made = await act(visitor, "login-invite", name="wu", role="viewer", hours="2", channel="hook")
        (link,) = (word for word in made.words.split() if "/login?code=" in word)
        [message] = receiver.posted
        assert link in json.dumps(message.document)
    kept = await rows(visitor.app.database, "SELECT a::text AS said FROM watchkeeper.alerts a")
    kept += await rows(visitor.app.database, "SELECT e::text AS said FROM watchkeeper.audit_events e")
    assert not any(link.partition("code=")[2] in row["said"] for row in kept)
    missing = await act(visitor, "login-invite", name="wei", role="viewer", hours="2", channel="gone")
    assert "login?code=" not in missing.text
    tokens, _ = await visitor.app.identity.list_tokens("p")
    assert "wei" not in {row["name"] for row in tokens}
