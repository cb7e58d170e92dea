"""What platforms post: proved over the bytes as they came, and read without trusting a field of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.chat.commands import Wish, asked_by
from watchkeeper.domain.chat.events import Happened, ReplyBy
from watchkeeper.domain.chat.line import read_line
from watchkeeper.domain.chat.signatures import line_signed, slack_signed, telegram_signed
from watchkeeper.domain.chat.slack import read_slack, slack_document
from watchkeeper.domain.chat.telegram import read_telegram
from watchkeeper.domain.chat.words import BY, INCIDENT_STATES, LABELS, REPAIR_STATES, REPLIES
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import MessageLanguage

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
NAMES = ("events", "type", "source", "message", "chat", "callback_query", "actions", "event", "update_id")


def slack_signature(secret: str, stamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


def test_slacks_own_example_is_believed() -> None:
    """The request that Slack's page on signatures shows is proved by the signature that the page shows."""
    secret, stamp = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618"
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert slack_signed(secret, body, stamp, signature, now=1531420618 + 299)
    assert not slack_signed(secret, body, stamp, signature, now=1531420618 + 301)
    assert not slack_signed(secret, body, stamp, signature, now=1531420618 - 301)


@given(body=st.binary(min_size=1, max_size=60), place=st.integers(0, 59), bit=st.integers(0, 7))
def test_a_changed_bit_is_not_believed(body: bytes, place: int, bit: int) -> None:
    """Whoever changes one bit of a body that was signed, or signs with another key, is nobody."""
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit
    mac = hmac.new(b"secret", body, hashlib.sha256).digest()
    of_line = base64.b64encode(mac).decode()
    assert line_signed("secret", body, of_line)
    assert not line_signed("secret", bytes(changed), of_line)
    assert not line_signed("Secret", body, of_line)
    of_slack = slack_signature("secret", "100", body)
    assert slack_signed("secret", body, "100", of_slack, now=100)
    assert not slack_signed("secret", bytes(changed), "100", of_slack, now=100)
    assert not slack_signed("secret", body, "101", of_slack, now=100)


@pytest.mark.parametrize("given", [None, "", "x", "ü", "secre", "secret "])
def test_what_is_no_proof_is_none(given: str | None) -> None:
    """A missing, short or strange header proves nothing, and breaks nothing."""
    assert telegram_signed("secret", "secret")
    assert not telegram_signed("secret", given)
    assert not line_signed("secret", b"{}", given)
    assert not slack_signed("secret", b"{}", given, given, now=0)


@given(document=JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6))
def test_no_document_breaks_the_readers(document: Any) -> None:
    """Whatever a proved body says, it is read or left out."""
    for read in (read_line, read_telegram, read_slack):
        assert isinstance(read(document).events, tuple)


def test_line_events_are_read_by_what_they_are() -> None:
    """Texts, postbacks and joins give account, chat and reply token; what stands for nothing is left out."""
    base = {"webhookEventId": "01H", "replyToken": "r"}
    group = {"type": "group", "groupId": "C1", "userId": "U1"}
    told = read_line(
        {
            "events": [
                {**base, "type": "postback", "source": group, "postback": {"data": "tok"}},
                {**base, "type": "join", "source": {"type": "group", "groupId": "C2"}},
                {**base, "type": "unsend", "source": group},
                {"type": "message"},
                {**base, "type": "message", "source": group, "message": {"type": "sticker"}},
            ]
        }
    )
    assert [(one.happened, one.chat, one.account) for one in told.events] == [
        (Happened.BUTTON, "C1", "U1"),
        (Happened.SEEN, "C2", None),
        (Happened.SEEN, "C1", "U1"),
    ]
    assert (told.events[0].text, told.events[0].reply, told.events[0].reply_by) == ("tok", "r", ReplyBy.TOKEN)


def test_slack_says_it_in_three_ways() -> None:
    """A form with a payload, a slash command and JSON are all read; its own messages are not talked to."""
    assert read_slack({"type": "url_verification", "challenge": "c"}).challenge == "c"
    command = slack_document(
        "application/x-www-form-urlencoded", b"command=%2Fwk&channel_id=C1&trigger_id=1&user_id=U1&text="
    )
    (event,) = read_slack(command).events
    assert (event.text, event.reply_by, event.account) == ("help", ReplyBy.URL, "U1")
    said = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "ts": "1.2"}
    spoken = {"type": "event_callback", "event_id": "E1", "event": {**said, "text": "<@U9> status"}}
    assert [one.text for one in read_slack(spoken).events] == ["status"]
    own = {**spoken, "event": {**said, "text": "status", "bot_id": "B1"}}
    assert read_slack(own).events == ()
    for body in (b"payload=%7B", b"\xff", b"["):
        with pytest.raises(UsageError):
            slack_document("application/x-www-form-urlencoded; charset=utf-8" if b"=" in body else "", body)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("WK-7F3KQ-M2XTA", Wish.LINK),
        ("link wk-7f3kq-m2xta", Wish.LINK),
        ("/start WK-7F3KQ-M2XTA", Wish.LINK),
        ("／ｌｉｎｋ　ＷＫ－７Ｆ３ＫＱ－Ｍ２ＸＴＡ", Wish.LINK),
        ("owner=Lin; adopt=watchdog_config", Wish.REPLY),
        ("Status", Wish.STATUS),
        ("/status@wk_bot", Wish.STATUS),
        ("狀態", Wish.STATUS),
        ("unlink", Wish.UNLINK),
        ("approve", None),
        ("yes, approve repair 88", None),
        ("good morning", None),
    ],
)
def test_only_what_is_meant_for_us_is_heard(text: str, wish: Wish | None) -> None:
    """Codes, replies and a few words are; all other talk of a group is not, and nobody approves by words."""
    found = asked_by(text, is_private=False)
    assert (found and found.wish) == wish
    alone = asked_by(text, is_private=True)
    assert alone is not None
    assert alone.wish == (wish or Wish.HELP)


def test_both_languages_say_everything() -> None:
    """Each answer and label is there in both languages, with the same facts."""
    english, chinese = MessageLanguage.EN, MessageLanguage.ZH_HANT
    for table in (REPLIES, LABELS):
        assert table[english].keys() == table[chinese].keys()

    def facts(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    for name, text in REPLIES[english].items():
        assert facts(text) == facts(REPLIES[chinese][name]), name
    for sentences in (INCIDENT_STATES, REPAIR_STATES, BY):
        assert facts(sentences[english]) == facts(sentences[chinese])
