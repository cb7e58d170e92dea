"""Operators' replies, as people really type them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.operator_replies import (
    METRICS,
    Adoption,
    NoReply,
    OperatorReply,
    ReplyKey,
    looks_like_reply,
    parse_reply,
)
from watchkeeper.domain.rules.names import RuleName

WIDE_SIGNS = "=\uff1d"
WIDE_ENDS = (";", "\uff1b", "\n", ";;")
WORDS = st.text(st.characters(categories=("L", "N"), max_codepoint=0x9FFF), min_size=1, max_size=20).filter(
    lambda text: text.casefold() not in {"none", "no", "無", "没有", "沒有"}
)


def test_the_drafts_own_reply_is_read() -> None:
    """The line of the draft, filled in, is taken as it is meant; brackets left around a value do not count."""
    reply = parse_reply(
        "owner=<Louis>; adopt=watchdog_config; alert_channel=LINE/PLS ops; "
        "first_metric=complete_rejected; blocker=none"
    )
    assert reply == OperatorReply(
        "Louis", Adoption.WATCHDOG_CONFIG, "LINE/PLS ops", RuleName.COMPLETE_REJECTED, None, True
    )
    assert reply.asks == ()


def test_what_people_type_on_a_phone_is_read() -> None:
    """Full-width signs, capitals, hyphens, lines for semicolons, any order; a sentence may stand as the blocker."""
    reply = parse_reply(
        "BLOCKER \uff1d 等 DB 權限\uff1b 下週一\uff1b\nFirst-Metric=Lease Expiry\uff1bAdopt=REVISE"
    )
    assert (reply.blocker, reply.first_metric, reply.adopt) == (
        "等 DB 權限; 下週一",
        RuleName.LEASE_NEAR_EXPIRY,
        Adoption.REVISE,
    )
    assert (reply.owner, reply.alert_channel) == (None, None)
    assert reply.asks == ("threshold", "authority", "data", "alert channel", "auto-release")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ownr=Lin", "did you mean 'owner'"),
        ("owner=Lin; adopt=watchdog", "did you mean 'watchdog_config'"),
        ("first_metric=lease_expirey", "did you mean 'lease_expiry'"),
        ("owner=Lin; owner=Wu", "said twice"),
        ("owner=Lin; yes please", "no 'key=value'"),
        (" ; ;", "says nothing"),
        ("owner=" + "x" * 5000, "at most 4,000"),
    ],
)
def test_a_wrong_word_is_refused_with_the_one_that_was_meant(text: str, told: str) -> None:
    """Nothing is guessed into the record: the answer says what was not understood, and how to reply."""
    with pytest.raises(NoReply, match=told) as refused:
        parse_reply(text)
    assert "owner=<name>" in refused.value.advice


@given(st.data())
def test_every_reply_is_read_however_it_is_written(data: st.DataObject) -> None:
    """Order, case, spaces and kinds of signs change nothing of what was said."""
    values: dict[str, Any] = {
        "owner": data.draw(WORDS),
        "adopt": data.draw(st.sampled_from(["watchdog_config", "revise"])),
        "alert_channel": data.draw(WORDS),
        "first_metric": data.draw(st.sampled_from([*METRICS])),
        "blocker": data.draw(WORDS),
    }
    keys = data.draw(st.lists(st.sampled_from([*ReplyKey]), unique=True, min_size=1))
    blank = st.sampled_from(["", " ", "\t", "\u3000"])
    text = ""
    for key in keys:
        written = data.draw(st.sampled_from([key.value, key.upper(), key.replace("_", "-"), key.title()]))
        sign, end = data.draw(st.sampled_from(WIDE_SIGNS)), data.draw(st.sampled_from(WIDE_ENDS))
        text += "".join(
            [data.draw(blank), written, data.draw(blank), sign, data.draw(blank), values[key], end]
        )
    reply = parse_reply(text)
    assert looks_like_reply(text)
    said = {key: values[key] if key in keys else None for key in ReplyKey}
    assert (reply.owner, reply.alert_channel, reply.blocker) == (
        said[ReplyKey.OWNER],
        said[ReplyKey.ALERT_CHANNEL],
        said[ReplyKey.BLOCKER],
    )
    assert reply.adopt == said[ReplyKey.ADOPT]
    assert reply.first_metric == (METRICS[values["first_metric"]] if ReplyKey.FIRST_METRIC in keys else None)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever arrives is a reply or is refused in words."""
    with suppress(NoReply):
        assert parse_reply(text).to_json()
