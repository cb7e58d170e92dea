"""What the real agents printed in known situations, recorded once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from agents.stream_words import words
from watchkeeper.agents import known

HERE = Path(__file__).parent
RECORDED = HERE.parent / "fixtures" / "agents"
MEANINGS = tomllib.loads((HERE / "recorded_streams.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("agent", "scenario"), [(agent, name) for agent, told in MEANINGS.items() for name in told]
)
def test_every_recorded_stream_means_what_happened(agent: str, scenario: str) -> None:
    """What the real agents printed is read in full: nothing of it is unknown or unreadable."""
    recorded = RECORDED / agent / f"{scenario}.jsonl"
    assert words(known.stream(agent), recorded) == MEANINGS[agent][scenario]


def test_no_recorded_stream_is_forgotten() -> None:
    """Each recording has its meaning written down beside it."""
    found = {agent: {path.stem for path in (RECORDED / agent).glob("*.jsonl")} for agent in MEANINGS}
    assert found == {agent: set(told) for agent, told in MEANINGS.items()}
