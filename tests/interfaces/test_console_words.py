"""The console's words: both catalogues, the closed lists, and the one formatter of times, spans and sizes."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, WaitingReason
from watchkeeper.interfaces import console
from watchkeeper.interfaces.console import format as shown
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.i18n import LANGUAGES, choose, load

PACKAGE = Path(console.__file__).parent
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
NOW = datetime(2026, 11, 21, 14, 2, 11, tzinfo=UTC)
EN, ZH = Locale.parse("en"), Locale.parse("zh_Hant")

Message = str | tuple[str, ...]


def used() -> set[Message]:
    """Give every text that templates and code mark for translation."""
    found: set[Message] = set()
    for path in sorted(PACKAGE.glob("templates/*.html")):
        options = {"trimmed": "true", "silent": "false"}
        found |= {text for _, text, _, _ in extract_from_file(babel_extract, str(path), options=options)}
    for path in sorted(PACKAGE.glob("*.py")):
        found |= {
            text for _, text, _, _ in extract_from_file("python", str(path), keywords={"message": None})
        }
    return found


def catalogue(code: str) -> Catalog:
    text = (PACKAGE / "locale" / code / "LC_MESSAGES" / "watchkeeper.po").read_bytes()
    return read_po(io.BytesIO(text), locale=code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_has_every_text_and_no_other(code: str) -> None:
    """No page falls back to another language, and no dead text is translated."""
    listed = {
        tuple(one.id) if isinstance(one.id, (list, tuple)) else one.id for one in catalogue(code) if one.id
    }
    assert listed == used()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_translation_is_there_with_the_same_placeholders(code: str) -> None:
    """A translation names what its original names; a lost placeholder would lose a fact."""
    for one in catalogue(code):
        if not one.id:
            continue
        ids = one.id if isinstance(one.id, (list, tuple)) else [one.id]
        texts = one.string if isinstance(one.string, (list, tuple)) else [one.string]
        for text in texts:
            assert text, f"{one.id} has no translation"
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[-1])), one.id


def test_chinese_follows_its_conventions() -> None:
    """Terms as the glossary has them, full-width marks, no Simplified or mainland terms."""
    for one in catalogue("zh_Hant"):
        text = "".join(one.string) if isinstance(one.string, (list, tuple)) else one.string
        if not one.id:
            continue
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
    forms = ("%(n)s job needs you", "%(n)s jobs need you")
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
    """Whatever zone a time comes in, it is shown in UTC and says so."""
    taipei = NOW.astimezone(ZoneInfo("Asia/Taipei"))
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
