"""The published lists are those of the program."""

import re
from pathlib import Path

import pytest

from watchkeeper.domain.artifacts import ALIASES, OPENABLE, ArtifactKind
from watchkeeper.domain.contracts import Publish
from watchkeeper.domain.diagnosis import StuckClass
from watchkeeper.domain.evidence import CONTRACT_CHECKS, PENDING_MARKERS, GateCheck
from watchkeeper.domain.incidents import IncidentState
from watchkeeper.domain.jobs import (
    TRANSITIONS,
    AttemptCause,
    JobState,
    OnLost,
    StateReason,
    WaitingReason,
)

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
LISTS = {
    "job state": [*JobState],
    "state reason": [*StateReason],
    "waiting reason": [*WaitingReason],
    "attempt cause": [*AttemptCause],
    "stuck class": [*StuckClass],
    "on lost": [*OnLost],
    "artifact kind": [*ArtifactKind],
    "openable as primary": [kind for kind in ArtifactKind if kind in OPENABLE],
    "publish": [*Publish],
    "gate check": [*GateCheck],
    "incident state": [*IncidentState],
    "pending marker": [*PENDING_MARKERS],
}


def items(heading: str) -> list[str]:
    text = (REFERENCE / "lists.md").read_text()
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line[2:] for line in section.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("heading", LISTS)
def test_a_published_list_is_the_programs_own(heading: str) -> None:
    """Who relies on a documented value meets that one and no other."""
    assert items(heading) == [f"`{value}`" for value in LISTS[heading]]


def test_the_published_transitions_are_the_programs_own() -> None:
    """The table of transitions in the documentation is the one that is enforced."""
    published = {}
    for item in items("transition"):
        old, *new = re.findall(r"`(\w+)`", item)
        published[old] = set(new)
    assert published == {old.value: {*new} for old, new in TRANSITIONS.items() if new}


def test_the_published_aliases_are_the_programs_own() -> None:
    """Every other word for a kind is documented."""
    assert items("artifact kind alias") == [f"`{word}` -> `{kind}`" for word, kind in ALIASES.items()]


def test_every_gate_check_is_explained() -> None:
    """The page on the gate explains each check and says in which class it is."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", (REFERENCE / "gate.md").read_text(), re.MULTILINE)
    expected = {check.value: "contract" if check in CONTRACT_CHECKS else "evidence" for check in GateCheck}
    assert dict(rows) == expected
