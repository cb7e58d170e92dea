"""When work may go on again, from what agents say."""

from __future__ import annotations

from datetime import datetime

import pytest

from watchkeeper.agents.reset_times import reset_time

NOW = datetime(2026, 11, 21, 14, 30).astimezone()


def local(*parts: int) -> float:
    return datetime(*parts).astimezone().timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Claude AI usage limit reached|1795280400", 1_795_280_400),
        ("Try again in 3 days 4 hours 20 minutes.", NOW.timestamp() + 3 * 86_400 + 4 * 3600 + 1200),
        ("try again in 1h 2m", NOW.timestamp() + 3720),
        ("Please try again in 1.5s.", NOW.timestamp() + 1.5),
        ("try again in about 90 minutes", NOW.timestamp() + 5400),
        ("You've hit your limit \u00b7 resets 5pm", local(2026, 11, 21, 17)),
        ("5-hour limit reached \u2219 resets 2pm", local(2026, 11, 22, 14)),
        ("resets 12am", local(2026, 11, 22)),
        ("Try again at 3:04 PM.", local(2026, 11, 21, 15, 4)),
        ("Try again at Nov 23rd, 2026 9:15 AM.", local(2026, 11, 23, 9, 15)),
        ("resets Jan 2, 9am", local(2027, 1, 2, 9)),
        ("usage limit resets at 2026-11-22T03:00:00Z", 1_795_316_400),
        ("resets 2026-11-22 03:00 UTC", 1_795_316_400),
        ("resets 3am (UTC)", 1_795_316_400),
    ],
)
def test_the_moment_is_found(text: str, expected: float) -> None:
    """Spans, hours of the day, dates and stamps as agents write them; a past hour is tomorrow's."""
    assert reset_time(text, NOW.timestamp()) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "Quota exceeded. Check your plan and billing details.",
        "You've hit your usage limit. Try again later.",
        "resets Feb 31, 9am",
        "resets at 27:00",
        "resets 9am (Middle/Earth)",
        "resets at 5",
        "in time",
        "\x00" * 5000,
    ],
)
def test_a_text_without_a_moment_gives_none(text: str) -> None:
    """No moment is made up: whoever waits chooses the wait."""
    assert reset_time(text, NOW.timestamp()) is None
