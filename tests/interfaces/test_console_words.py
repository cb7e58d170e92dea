"""The console's words: both catalogues, the closed lists, and the one formatter of times, spans and sizes."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, WaitingReason
from watchkeeper.interfaces.console import format as shown
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.i18n import LANGUAGES, catalogues, choose, load

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
NOW = datetime(2026, 11, 21, 14, 2, 11, tzinfo=UTC)
EN, ZH = Locale.parse("en"), Locale.parse("zh_Hant")


def script() -> Any:
    spec = importlib.util.spec_from_file_location("console_words", ROOT / "scripts" / "console_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_catalogues_have_every_text_once_and_no_other(code: str) -> None:
    """No page falls back to another language, no dead text is translated, and each stands in its family's catalogue."""
    words_of = script()
    used = words_of.used()
    listed = [(family, words_of.key(one.id)) for family, found in catalogues(code) for one in found if one.id]
    lacking = set(used) - {text for _, text in listed}
    assert not lacking, f"run scripts/console_words.py: {lacking}"
    misplaced = [
        (family, text)
        for family, text in listed
        if family not in {"ground", *used.get(text, ())} or text not in used
    ]
    assert not misplaced, f"run scripts/console_words.py: {misplaced}"
    assert len(listed) == len({text for _, text in listed}), (
        "a text stands twice: run scripts/console_words.py"
    )


def entries(code: str) -> Iterator[Any]:
    return (one for _, found in catalogues(code) for one in found if one.id)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_translation_is_there_with_the_same_placeholders(code: str) -> None:
    """A translation names what its original names; a lost placeholder would lose a fact."""
    for one in entries(code):
        ids = one.id if isinstance(one.id, (list, tuple)) else [one.id]
        texts = one.string if isinstance(one.string, (list, tuple)) else [one.string]
        for text in texts:
            assert text, f"{one.id} has no translation"
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[-1])), one.id
            assert text % dict.fromkeys(re.findall(r"%\((\w+)\)", text), 1), (
                "a bare % ends a page in an error"
            )


def test_chinese_follows_its_conventions() -> None:
    """Terms as the glossary has them, full-width marks, no Simplified or mainland terms."""
    for one in entries("zh_Hant"):
        text = "".join(one.string) if isinstance(one.string, (list, tuple)) else one.string
        assert not re.search(r"隊列|令牌|證書|運行|超時|告警|回滾|審批|批准|租約|你", text), text
        assert not re.search(r"[一-鿿][,:;?!](?!\))", text), text


@pytest.mark.parametrize(
    ("listed", "table"),
    [
        (StateReason, words.STATE_REASONS),
        (WaitingReason, words.WAITING_REASONS),
        (AttemptCause, words.CAUSES),
        (GateCheck, words.GATE_CHECKS),
    ],
)
def test_every_value_of_a_closed_list_has_words(listed: type[StateReason], table: dict[str, str]) -> None:
    """No reader meets a bare code where the list is known."""
    assert set(table) == {value.value for value in listed}


def test_each_state_differs_in_word_and_in_colour_or_shape() -> None:
    """Colour is never the only sign; what has no evidence is never green."""
    states = [*JobState, "gone"]
    rows = [{"state": str(state), "verified": None} for state in states]
    badges = {words.job_badge(row, NOW) for row in rows}
    badges.add(words.job_badge({"state": "completed", "verified": "artifact"}, NOW))
    assert len({badge.word for badge in badges}) == len({(badge.tone, badge.shape) for badge in badges}) == 9
    assert [badge.word for badge in badges if badge.tone == "ok"] == ["Verified"]


@pytest.mark.parametrize(
    ("cookie", "accept", "code"),
    [
        (None, None, "en"),
        (None, "zh-TW", "zh_Hant"),
        (None, "zh-Hant-HK,en;q=0.8", "zh_Hant"),
        (None, "de,en;q=0.7,zh;q=0.3", "en"),
        (None, "de", "en"),
        (None, "en;q=0.2,zh;q=0.9", "zh_Hant"),
        (None, "zh;q=0,en", "en"),
        (None, "zh;q=x,,;;", "en"),
        ("en", "zh-TW", "en"),
        ("zh_Hant", "en", "zh_Hant"),
        ("../etc", "en", "en"),
    ],
)
def test_the_language_is_chosen(cookie: str | None, accept: str | None, code: str) -> None:
    """The reader's own choice wins, then what the browser prefers, then English."""
    assert choose({"watchkeeper_language": cookie} if cookie else {}, accept) == code


def test_plurals_follow_the_language() -> None:
    """English tells one from many; Chinese does not."""
    english, chinese = load("en").translations, load("zh_Hant").translations
    forms = ("%(n)s thing needs you", "%(n)s things need you")
    assert [english.ngettext(*forms, n) for n in (1, 2)] == list(forms)
    assert chinese.ngettext(*forms, 1) == chinese.ngettext(*forms, 2)


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "1 second ago", "1 秒前"),
        (-90, "2 minutes ago", "2 分鐘前"),
        (-7200, "2 hours ago", "2 小時前"),
        (3600, "in 60 minutes", "60 分鐘後"),
        (-86_400 * 3, "3 days ago", "3 天前"),
    ],
)
def test_times_are_relative_in_the_readers_language(seconds: int, english: str, chinese: str) -> None:
    """A time reads as its distance from now."""
    then = NOW + timedelta(seconds=seconds)
    assert (shown.relative(then, NOW, EN), shown.relative(then, NOW, ZH)) == (english, chinese)


def test_absolute_times_name_their_zone() -> None:
    """Whatever zone a time comes in, it is shown in the reader's; an hour that comes twice is told apart."""
    zone = ZoneInfo("Asia/Taipei")
    taipei = NOW.astimezone(zone)
    assert shown.absolute(NOW, zone) == "2026-11-21 22:02:11 +08:00 Asia/Taipei"
    assert shown.clock(NOW, zone) == "22:02:11 Asia/Taipei"
    berlin = ZoneInfo("Europe/Berlin")
    twice = [shown.absolute(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), berlin) for hour in (0, 1)]
    assert twice == ["2026-10-25 02:30:00 +02:00 Europe/Berlin", "2026-10-25 02:30:00 +01:00 Europe/Berlin"]
    assert shown.absolute(taipei) == "2026-11-21 14:02:11 UTC"
    assert shown.clock(taipei) == "14:02:11 UTC"
    assert shown.machine(taipei) == "2026-11-21T14:02:11Z"


@pytest.mark.parametrize(
    ("seconds", "english"),
    [
        (None, "?"),
        (-5, "0 sec"),
        (0.2, "0 sec"),
        (61, "1 min 1 sec"),
        (7200, "2 hr"),
        (90_061, "1 day 1 hr"),
        (86_405, "1 day"),
    ],
)
def test_spans_have_at_most_two_units(seconds: float | None, english: str) -> None:
    """A length of time is short to read; an unknown one is not nothing."""
    assert shown.span(seconds, EN) == english


def test_what_is_not_known_is_a_question_mark() -> None:
    """Unknown is never shown as zero."""
    assert (shown.number(None, EN), shown.size(None, EN)) == ("?", "?")
    assert (shown.number(12_345, EN), shown.size(1536, EN), shown.size(12, ZH)) == (
        "12,345",
        "1.5 kB",
        "12 byte",
    )


def test_a_bar_stays_within_its_rail() -> None:
    """A lease that ended, or has no length, leaves an empty bar."""
    assert [shown.share(part, 60) for part in (-5, 0, 30, 90)] == [0, 0, 50, 100]
    assert shown.share(1, 0) == 0
