"""What a row of the corpus leaves open: dates without a day, sleep without a place, traps that nobody fell into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.services.corpus.figures import figures, judge
from watchkeeper.services.corpus.reading import read_row

BEGUN = [
    (0.0, "lease", "claimed", {"epoch": 1, "worker": "w"}),
    (0.1, "proc", "start", {"pid": 7}),
    (1.0, "stdout", "line", {"line": '{"type": "thread.started", "thread_id": "t"}'}),
    (1.1, "stdout", "line", {"line": '{"type": "turn.started"}'}),
]

Told = tuple[float, str, str, dict[str, Any]]


def judged(place: Path, label: dict[str, Any], *facts: Told) -> dict[str, Any]:
    file = place / "row.jsonl"
    told = [
        {"t": t, "source": source, "event": event, "fields": fields} for t, source, event, fields in facts
    ]
    lines = [{"label": {"agent": "codex", "cli_version": "0.169.0"} | label}, *told]
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    return figures(judge([read_row(file, "row.jsonl")]))


@pytest.mark.parametrize(("hours", "ok"), [(11, True), (200, False)])
def test_a_reset_that_no_date_gives_a_place_is_not_passed(hours: int, ok: bool, tmp_path: Path) -> None:
    """Who knows that a reset was told, and not when, does not try again after an hour; after eight days he does."""
    limit = '{"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1700000000}}'
    label = {"class": "F06", "agent": "claude", "right_action": "park", "forbidden_actions": ["retry"]}
    facts = ((5.0, "stdout", "line", {"line": limit}), (hours * 3600.0, "clock", "end", {}))
    assert judged(tmp_path, label, *BEGUN[:2], *facts)["rows"][0]["ok"] is ok


@pytest.mark.parametrize(("told_at", "ok"), [(300.0, True), (3_900.0, True), (2_000.0, False)])
def test_a_sleep_is_told_at_its_beginning_or_its_end(told_at: float, ok: bool, tmp_path: Path) -> None:
    """An hour slept is no silence, wherever the row tells it; an hour of which half was waited before is one."""
    facts = (
        (told_at, "clock", "jump", {"seconds": 3600.0}),
        (3_905.0, "stdout", "line", {"line": '{"type": "turn.started"}'}),
        (3_906.0, "clock", "end", {}),
    )
    found = judged(tmp_path, {"class": "healthy", "right_action": "none"}, *BEGUN, *facts)
    assert found["rows"][0]["ok"] is ok


@pytest.mark.parametrize(("seconds", "hit"), [(100.0, 1.0), (700.0, 0.0)])
def test_a_trap_for_the_watchdog_is_found_by_leaving_it_alone(
    seconds: float, hit: float, tmp_path: Path
) -> None:
    """A row of F16 in which nobody ended the session counts as found where nothing was done to it."""
    label = {"class": "F16", "stuck": False, "right_action": "none", "forbidden_actions": ["kill"]}
    found = judged(tmp_path, label, *BEGUN, (seconds, "clock", "end", {}))
    assert found["per_class"]["F16"]["recall"] == hit


def test_a_label_alone_is_a_row_of_which_nothing_is_known(tmp_path: Path) -> None:
    """No facts, no trouble: nothing is done."""
    found = judged(tmp_path, {"class": "healthy", "right_action": "none"})
    assert (found["rows"][0]["ok"], found["rows"][0]["class"]) == (True, "healthy")
