"""Rows of the truth corpus as they stand in files: one label, then facts in order of time (docs/corpus.md).

What a row says beside the format is accepted; what breaks the format is told with its file and line.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from watchkeeper.agents.verdicts import plain
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass

HEALTHY = "healthy"
CLASSES = (HEALTHY, *(one.value for one in FailureClass))


@dataclass(frozen=True, slots=True)
class Label:
    """What a careful operator says of a row. `onset_t` is when the trouble began, None where there is none."""

    failure: str
    right_action: Action
    agent: str = ""
    cli_version: str | None = None
    stuck: bool = False
    onset_t: float | None = None
    latest_useful_t: float | None = None
    forbidden: frozenset[Action] = frozenset()
    started_at: Any = None
    tool_limit_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One fact of a row, `t` seconds after its begin."""

    t: float
    source: str
    event: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One file. `end_t` is when it was closed, None where it just ends; `late` facts stood behind later ones."""

    file: str
    label: Label
    facts: tuple[Told, ...] = field(repr=False)
    end_t: float | None = None
    late: int = 0


def read_corpus(directory: Path) -> list[CorpusRow]:
    """Read every `*.jsonl` below a directory, by name. Raises UsageError for what is none, with file and line."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory")
    files = sorted(_files(directory))
    if not files:
        raise UsageError(f"{directory} holds no *.jsonl file", hint="docs/corpus.md tells the format.")
    return [read_row(file, file.relative_to(directory).as_posix()) for file in files]


def _files(directory: Path) -> Iterator[Path]:
    """Give the files of rows; a folder that cannot be read is told, for its rows would be missing."""

    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error

    for folder, _, names in os.walk(directory, onerror=refuse):
        yield from (Path(folder, name) for name in names if name.endswith(".jsonl"))


def read_row(file: Path, name: str | None = None) -> CorpusRow:
    """Read one file. Raises UsageError with file and line where it breaks the format."""
    name = plain(name or str(file))
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    lines = _objects(text, name)
    number, first = next(lines, (1, None))
    if first is None:
        raise _wrong(name, number, "the file is empty; its first line is the label")
    label = _label(first, name, number)
    told = [_told(one, name, number) for number, one in lines]
    ends = [one.t for one in told if (one.source, one.event) == ("clock", "end") or one.event == "end"]
    late = sum(after.t < before.t for before, after in pairwise(told))
    facts = sorted((one for one in told if one.event != "end"), key=lambda one: one.t)
    return CorpusRow(name, label, tuple(facts), max(ends, default=None), late)


def _objects(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines: a line of JSON may hold other separators of lines in its texts.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _wrong(name, number, f"this is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise _wrong(name, number, "a line is a JSON object")
        yield number, found


def _label(given: dict[str, Any], name: str, line: int) -> Label:
    told = given.get("label")
    if not isinstance(told, dict):
        raise _wrong(name, line, 'the first line is the label: {"label": {"class": ..., ...}}')
    failure = told.get("class")
    if failure not in CLASSES:
        raise _wrong(name, line, f"the label's class is F01 to F18 or healthy, not {failure!r}"[:200])
    forbidden = told.get("forbidden_actions") or []
    if not isinstance(forbidden, list):
        raise _wrong(name, line, "forbidden_actions is a list")
    version = told.get("cli_version")
    return Label(
        failure=failure,
        right_action=_action(told.get("right_action") or Action.NONE.value, name, line),
        agent=str(told.get("agent") or ""),
        cli_version=version if isinstance(version, str) else None,
        stuck=bool(told.get("stuck", failure != HEALTHY)),
        onset_t=_time(told.get("onset_t")),
        latest_useful_t=_time(told.get("latest_useful_t")),
        forbidden=frozenset(_action(one, name, line) for one in forbidden),
        started_at=told.get("started_at"),
        tool_limit_seconds=_time(told.get("tool_limit_seconds")),
    )


def _action(given: Any, name: str, line: int) -> Action:
    try:
        return Action(given)
    except ValueError as error:
        known = ", ".join(one.value for one in Action)
        raise _wrong(name, line, f"{given!r} is no action; known are {known}"[:300]) from error


def _told(given: dict[str, Any], name: str, line: int) -> Told:
    at = _time(given.get("t"))
    if at is None:
        raise _wrong(name, line, "t is the number of seconds since the row's begin")
    source, event = given.get("source"), given.get("event")
    if event is None and source == "end":
        source, event = "clock", "end"
    if not isinstance(source, str) and event != "end":
        raise _wrong(name, line, "a fact has a source")
    if not isinstance(event, str):
        raise _wrong(name, line, "a fact has an event")
    fields = given.get("fields")
    if fields is not None and not isinstance(fields, dict):
        raise _wrong(name, line, "fields is an object")
    # Fields beside the others instead of below `fields` are understood as well.
    beside = {key: value for key, value in given.items() if key not in ("t", "source", "event", "fields")}
    return Told(at, plain(str(source)), plain(event), beside | (fields or {}))


def _time(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return None
    return float(given)


def _wrong(name: str, line: int, text: str) -> UsageError:
    return UsageError(
        f"{name}:{line}: {plain(text)}", hint="docs/corpus.md tells the format.", file=name, line=line
    )
