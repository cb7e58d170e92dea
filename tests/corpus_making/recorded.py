"""Rows from recorded streams: what the real agents printed, line by line, at the times at which it came."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus_making.sequences import ENDS_IT, Label, stuck, well
from corpus_making.story import Story

STREAMS = Path(__file__).parents[1] / "fixtures" / "agents"
TIMES = tomllib.loads((Path(__file__).parent / "recorded.toml").read_text("utf-8"))


def recorded_rows() -> Iterator[tuple[str, str, str, Label, list[dict[str, Any]]]]:
    """Give class, name, agent, label and facts of each recording that has a label."""
    for name, told in TIMES.items():
        agent, _, scenario = name.partition("/")
        facts = _facts(agent, scenario, told)
        onset, action = told.get("onset", 0.0), told["action"]
        label = well() if told["class"] == "healthy" else stuck(onset, 3600.0, action, *_forbidden(action))
        label["note"] = told["note"]
        yield told["class"], f"recorded-{agent}-{scenario.replace('_', '-')}", agent, label, facts


def _forbidden(action: str) -> tuple[str, ...]:
    return tuple(
        sorted({"kill", *ENDS_IT} - {action}) if action in ("park", "sweep", "block_complete") else ("kill",)
    )


def _facts(agent: str, scenario: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    story = Story(agent, told["version"], random=None)  # type: ignore[arg-type]
    file = STREAMS / agent / f"{scenario}.jsonl"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    story.fact("proc", "start", pid=4100)
    for at, line in zip(told["times"], lines, strict=True):
        story.t = at
        story.line(line)
    complaints = file.with_suffix(".stderr.txt")
    if complaints.exists() and not lines:
        story.t = told["wall"] - 0.05
        for line in complaints.read_text("utf-8").splitlines():
            story.line(line, source="stderr")
    story.t = told["wall"]
    if not told.get("cut"):
        code = told["exit"]
        story.fact("proc", "exit", code=code if code >= 0 else None, signal=-code if code < 0 else None)
        story.wait(0.2)
        left = [
            {"pid": 4200 + n, "ppid": 1, "state": "S", "command": one} for n, one in enumerate(told["left"])
        ]
        story.fact("proc", "left", processes=left)
    for fact in told.get("beside", ()):
        story.wait(0.2)
        story.fact(fact["source"], fact["event"], **fact["fields"])
    story.end(30.0)
    return story.facts
