"""The page on the config document has every word that one may write."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.config import stability
from watchkeeper.domain.config.authority import Decided
from watchkeeper.domain.config.people import ChannelDeclaration
from watchkeeper.domain.config.sections import KEPT, SECTIONS
from watchkeeper.domain.policies import PolicyMode, RuleChange, Thresholds
from watchkeeper.domain.rules.names import Escalation
from watchkeeper.domain.sessions.limits import SessionLimits

PAGE = (Path(__file__).parents[2] / "docs" / "config.md").read_text(encoding="utf-8")
WORDS = {
    "sections": SECTIONS,
    "thresholds": {one.name for one in fields(Thresholds)},
    "sessions": {one.name for one in fields(SessionLimits)},
    "policy": {one.name for one in fields(Decided)},
    "rules": {one.name for one in fields(RuleChange)},
    "modes": {*PolicyMode},
    "gate": {*OnGateFailed},
    "escalations": {*Escalation},
    "retention": {*KEPT},
    "channels": {one.name for one in fields(ChannelDeclaration)} - {"name", "is_on"},
    "other words": {*stability.THRESHOLDS, *stability.HEALING, *stability.NEEDS_A_PERSON, stability.VERSION},
}


@pytest.mark.parametrize("of", WORDS)
def test_the_page_tells_every_word(of: str) -> None:
    """Whoever writes a document finds each key and value on the page."""
    told = {word for text in re.findall(r"`([^`]+)`", PAGE) for word in re.findall(r"\w+", text)}
    assert WORDS[of] - told == set()


def test_the_page_tells_the_defaults() -> None:
    """The tables of thresholds have the numbers that hold."""
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    for usual in (Thresholds(), SessionLimits()):
        assert {name: float(value) for name, value in rows if hasattr(usual, name)} == {
            one.name: float(getattr(usual, one.name))
            for one in fields(usual)
            if "lease_near_expiry" not in one.name
        }
