"""What a channel takes: how long a text, how many messages in a second, an hour and a month."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.alert_facts import one_line
from watchkeeper.domain.alerting import Outcome, Withheld
from watchkeeper.domain.channel_allowance import HOUR, Allowance, next_of
from watchkeeper.services.notifiers.fitting import cut, fitted, utf16
from watchkeeper.services.notifiers.pacing import Bucket, Pacing
from watchkeeper.services.notifiers.slack import escaped

NOW = datetime(2026, 5, 24, 10, 31, tzinfo=UTC)
SIZES = (len, utf16, lambda text: len(escaped(text)))


@given(st.text(max_size=300), st.integers(1, 100), st.sampled_from(SIZES))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, most: int, size: object) -> None:
    """Whatever a chat counts in, no text is longer than it takes, and one that is cut shows it."""
    short = cut(text, most, size)
    assert size(short) <= most
    assert short == text or short.endswith("…")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=12), st.integers(20, 200), st.sampled_from(SIZES))
def test_lines_fit_with_their_breaks(lines: list[str], most: int, size: object) -> None:
    """A message keeps its first lines whole, and is no longer than the channel takes."""
    kept = fitted(lines, most, size)
    assert sum(size(line) + 1 for line in kept) <= most + 1
    assert kept == lines or (kept and kept[-1].endswith("…"))
    assert kept[:-1] == lines[: len(kept) - 1]


@given(st.text(max_size=2_000))
def test_a_fact_stays_in_its_place(text: str) -> None:
    """A text from outside adds no line, turns no direction, and has an end."""
    line = one_line(text)
    assert len(line) <= 300
    assert not {"\n", "\r", "\u2028", "\u202e", "\u2066", "\x00"} & set(line)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=50), st.floats(0.1, 10), st.integers(1, 5))
def test_a_bucket_gives_no_more_than_its_rate(pauses: list[float], per_second: float, burst: int) -> None:
    """In any time a chat gets its burst and its rate, and not one more."""
    bucket, now, sent = Bucket(per_second, burst), 0.0, []
    for pause in pauses:
        now += pause
        now += bucket.wait(now)
        sent.append(now)
    for first, begin in enumerate(sent):
        for last, end in enumerate(sent[first:], first):
            assert last - first + 1 <= burst + (end - begin) * per_second + 1.000001


async def test_a_chat_without_a_rate_waits_for_nothing() -> None:
    """Only chats that ask for pauses get them, each its own."""
    pacing = Pacing(lambda: 0.0)
    had: list[str] = []
    async with asyncio.timeout(60):  # a second turn of either chat would come after a quarter of an hour
        for chat, per_second in [*[("mail", 0.0)] * 50, ("chat", 0.001), ("other", 0.001)]:
            await pacing.turn(chat, per_second, 1)
            had.append(chat)
    assert had == ["mail"] * 50 + ["chat", "other"]


@given(st.integers(0, 100), st.integers(1, 60), st.booleans(), st.booleans(), st.floats(0, 1.2))
def test_an_allowance_never_lets_more_through_than_twice_its_hour(
    sent: int, per_hour: int, is_critical: bool, waited: bool, share: float
) -> None:
    """What may not go now waits until a time to come; critical alerts have as much again, and no more."""
    allowance = Allowance(per_hour, NOW - timedelta(minutes=10), sent, None, share)
    outcome = allowance.judged(NOW, sent=sent, is_critical=is_critical, waited=waited)
    if outcome == Outcome():
        assert sent < per_hour * (2 if is_critical else 1)
        assert share < 0.8 or waited or (is_critical and share < 0.95)
    else:
        assert outcome.until is not None
        assert outcome.until > NOW
        assert outcome.wait in (Withheld.CAPPED, Withheld.QUOTA)


def test_an_hour_ends_and_a_pause_holds() -> None:
    """After an hour the count begins anew; while the other side wants rest, nothing goes, critical or not."""
    allowance = Allowance(5, NOW - HOUR, 5, NOW + timedelta(seconds=30))
    assert allowance.hour(NOW) == (NOW, 0)
    held = allowance.judged(NOW, sent=0, is_critical=True, waited=True)
    assert (held.wait, held.until) == (Withheld.RATE_LIMITED, NOW + timedelta(seconds=30))
    assert next_of(NOW, timedelta(hours=6)) == datetime(2026, 5, 24, 12, tzinfo=UTC)
