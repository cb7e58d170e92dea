"""The shipped corpus: what the watch says of each row, and how good that is."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from corpus_making.write import CORPUS, is_written, rows
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.shares import wilson
from watchkeeper.services.corpus.figures import figures, judge
from watchkeeper.services.corpus.reading import CLASSES, read_corpus, read_row

LEAST_ROWS = 12
LEAST_RECALL = 0.95


@cache
def answer() -> dict[str, Any]:
    return figures(judge(read_corpus(CORPUS)))


def test_no_row_acts_wrongly() -> None:
    """Nothing that is well is ended, nothing that is hollow passes, and nothing forbidden is done."""
    found = answer()
    assert (found["wrong"], found["false_green_rate"], found["false_kill_rate"]) == ([], 0.0, 0.0)


def test_every_stuck_run_gets_a_class() -> None:
    """No stuck run stays without a class."""
    assert answer()["classified_share"] == 1.0


@pytest.mark.parametrize("failure", CLASSES)
def test_each_class_is_known_when_it_is_seen(failure: str) -> None:
    """Each class has its dozen rows at least, and is found in them."""
    found = answer()["per_class"][failure]
    assert found["n"] >= LEAST_ROWS
    assert found["recall"] >= LEAST_RECALL


SLOWEST = {
    "F01": 120.0,
    "F02": 660.0,
    "F03": 600.0,
    "F04": 600.0,
    "F05": 15.0,
    "F06": 0.0,
    "F07": 5.0,
    "F08": 30.0,
    "F09": 15.0,
    "F10": 120.0,
    "F11": 15.0,
    "F12": 660.0,
    "F13": 600.0,
    "F14": 120.0,
    "F15": 2_700.0,
    "F16": 15.0,
    "F17": 60.0,
    "F18": 15.0,
}
"""The thresholds that act; a row's trouble may begin before the clock that tells it."""

A_TICK_AND_WHAT_COMES_BEFORE = 15.0 + 15.0
SLOW = {
    "a-tool-that-never-returns": 7_200.0,
    "written-tool-open": 7_200.0,
    "written-err429-then-silence": 660.0,
}
"""Rows of a class whose trouble is told by the clock of another."""


def test_each_row_is_acted_on_within_its_threshold_and_a_tick() -> None:
    """What is wrong is acted on when the threshold says so, and while that is still of use."""
    labels = {row.file: row.label for row in read_corpus(CORPUS)}
    for row in answer()["rows"]:
        label = labels[row["file"]]
        if not label.stuck or row["action"] == "none":
            continue
        of_its_own = [seconds for name, seconds in SLOW.items() if name in row["file"]]
        slowest = of_its_own[0] if of_its_own else SLOWEST[row["expected"]]
        assert row["delay_s"] <= slowest + A_TICK_AND_WHAT_COMES_BEFORE, row
        assert label.latest_useful_t is None or row["detected_t"] <= label.latest_useful_t, row


def test_what_the_generator_makes_is_what_is_checked_in() -> None:
    """The rows are made by a seeded program, and nobody changed them by hand."""
    made = dict(rows())
    found = [file for file in CORPUS.rglob("*.jsonl") if not is_written(file)]
    files = {file.relative_to(CORPUS).as_posix(): file for file in found}
    assert sorted(files) == sorted(made)
    assert [name for name, file in files.items() if file.read_text("utf-8") != made[name]] == []


@pytest.mark.parametrize(
    ("hits", "n", "bounds"),
    [(0, 0, (0.0, 1.0)), (12, 12, (0.7575, 1.0)), (0, 10, (0.0, 0.2775)), (5, 10, (0.2366, 0.7634))],
)
def test_bounds_are_those_of_wilson(hits: int, n: int, bounds: tuple[float, float]) -> None:
    """The bounds are Wilson's score interval at 95 %: twelve of twelve is not yet certainty."""
    assert wilson(hits, n) == pytest.approx(bounds, abs=5e-4)


LABEL = '{"label": {"class": "healthy", "agent": "codex"}}\n'
BROKEN = {
    "": ":1: the file is empty",
    "no json\n": ":1: this is no JSON",
    "[1]\n": ":1: a line is a JSON object",
    '{"t": 0}\n': ":1: the first line is the label",
    '{"label": {"class": "F19"}}\n': ":1: the label's class is",
    '{"label": {"class": "F01", "right_action": "pray"}}\n': ":1: 'pray' is no action",
    '{"label": {"class": "F01", "forbidden_actions": "kill"}}\n': ":1: forbidden_actions is a list",
    LABEL + '{"source": "proc", "event": "start"}\n': ":2: t is the number of seconds",
    LABEL + '\n{"t": 1, "event": "start"}\n': ":3: a fact has a source",
    LABEL + '{"t": 1, "source": "proc"}\n': ":2: a fact has an event",
    LABEL + '{"t": 1, "source": "proc", "event": "start", "fields": 3}\n': ":2: fields is an object",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_breaks_the_format_is_told_with_file_and_line(text: str, tmp_path: Path) -> None:
    """Whoever adds rows finds the wrong line at once."""
    file = tmp_path / "row.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_corpus(tmp_path)
    assert refused.value.message.startswith("row.jsonl" + BROKEN[text])


STRANGE = """\
{"t": 1, "source": "martian", "event": "hello", "fields": {"x": [1]}}
{"t": 2, "source": "proc", "event": "sample", "fields": {"processes": "many"}}
{"t": 2, "source": "proc", "event": "sample", "fields": {"processes": [{"pid": null}, 7]}}
{"t": 3, "source": "stdout", "event": "line", "fields": {"line": {"type": "thread.started"}}}
{"t": 3, "source": "stdout", "event": "line"}
{"t": 4, "source": "lease", "event": "claimed", "fields": {"epoch": "new"}}
{"t": 5, "source": "queue", "event": "tick", "fields": {"ready": null, "declined": ["paused", {}]}}
{"t": 0.5, "source": "clock", "event": "jump", "fields": {}}
{"t": 6, "source": "clock", "event": "end"}
"""


def test_strange_facts_are_accepted_and_counted(tmp_path: Path) -> None:
    """Unknown agents, sources, events and fields, and half-filled ones, spoil no row."""
    file = tmp_path / "row.jsonl"
    file.write_text(LABEL.replace("codex", "zorg") + STRANGE, encoding="utf-8")
    found = figures(judge([read_row(file)]))
    assert found["wrong"] == []
    assert found["unknown"]["martian/hello"] == 1
