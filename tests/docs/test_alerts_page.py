"""The page on alerts has every word that a person meets there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchkeeper.domain.alert_facts import FACTS
from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alerting import Dropped, Untold, Withheld
from watchkeeper.domain.channel_kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
WORDS = {
    "why nobody is told": {*Untold},
    "why it waits": {*Withheld},
    "why it was dropped": {*Dropped},
    "moments": {*Moment},
    "facts": {*FACTS},
    "kinds": {kind.value for kind in KINDS} - {"console"},
    "fields": {one.name for kind in KINDS.values() for one in kind.fields},
}


@pytest.mark.parametrize("of", WORDS)
def test_the_page_tells_every_word(of: str) -> None:
    """Whoever asks why something was not sent, or writes a template, finds each word on the page."""
    told = {word for text in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"\w+", text)}
    assert {str(word) for word in WORDS[of]} - told == set()
