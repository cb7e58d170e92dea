"""YAML 1.2 by its core schema: `yes` is a text, a key stands once, and nothing refers, expands or constructs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from watchkeeper.domain.placed import DocumentRefused, Place, Placed, Problem

MAX_DEPTH = 32

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_WHOLE = re.compile(r"[-+]?[0-9]{1,40}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_UNENDING = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.nan|\.NaN|\.NAN")

_FAULTS = (YAMLError, ValueError, LookupError, TypeError, AttributeError, AssertionError, NotImplementedError)
"""What the parser raises over texts that are no YAML."""


def read_yaml(text: str, name: str) -> Placed:
    """Read one YAML document; raise DocumentRefused."""
    reader = _Reader(text)
    try:
        found = reader.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(1, 1) if mark is None else _place(mark)
        raise DocumentRefused(name, [Problem(place, "", f"this is no YAML: {error.problem}")]) from None
    except (*_FAULTS, RecursionError) as error:
        place = reader.last
        raise DocumentRefused(name, [Problem(place, "", f"this is no YAML: {str(error)[:200]}")]) from None
    if reader.problems:
        raise DocumentRefused(name, reader.problems)
    return found


class _Reader:
    """Builds values from the parser's events, so that no alias is followed and no tag obeyed."""

    def __init__(self, text: str) -> None:
        yaml = YAML(typ="safe", pure=True)
        self._events: Iterator[Any] = iter(yaml.parse(text))
        self._depth = 0
        self.last = Place(1, 1)
        self.problems: list[Problem] = []

    def document(self) -> Placed:
        found: Placed | None = None
        for event in self._events:
            self.last = _place(event.start_mark)
            if isinstance(event, DocumentStartEvent):
                if found is not None:
                    self._refuse(event, "a second document begins here; there is one")
                    return found
                if event.version is not None or event.tags:
                    self._refuse(event, "directives (%) are not read")
                found = self._value(next(self._events))
        return found if found is not None else Placed({}, Place(1, 1))

    def _value(self, event: Any) -> Placed:
        self.last = place = _place(event.start_mark)
        if isinstance(event, AliasEvent):
            self._refuse(event, "references (*) are not followed", "write it out")
            return Placed(None, place)
        if event.anchor is not None:
            self._refuse(event, "anchors (&) are not kept", "write it out where it is meant")
        if event.tag not in (None, "!"):
            self._refuse(event, f"tags such as {str(event.tag)[:40]} are not obeyed", "leave it away")
        if isinstance(event, ScalarEvent):
            return Placed(_scalar(event), place, inner=_inner(event))
        if self._depth >= MAX_DEPTH:
            raise ValueError(f"it is more than {MAX_DEPTH} levels deep")
        self._depth += 1
        value = self._items() if isinstance(event, SequenceStartEvent) else self._entries(event)
        self._depth -= 1
        return Placed(value, place)

    def _items(self) -> list[Placed]:
        items = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event))
        return items

    def _entries(self, _start: MappingStartEvent) -> dict[str, Placed]:
        entries: dict[str, Placed] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._value(event)
            value = self._value(next(self._events))
            if isinstance(event, ScalarEvent):
                name = str(event.value)
                if name in entries:
                    first = entries[name].key or key.place
                    told = f"the key stands here a second time, the first is in line {first.line}"
                    self.problems.append(Problem(key.place, name[:100], told, "leave one"))
                else:
                    entries[name] = Placed(value.value, value.place, key.place, value.inner)
            else:
                self.problems.append(Problem(key.place, "", "a key is a text"))
        return entries

    def _refuse(self, event: Any, message: str, suggestion: str = "") -> None:
        self.problems.append(Problem(_place(event.start_mark), "", message, suggestion))


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _inner(event: ScalarEvent) -> Place | None:
    """Say where a text begins: behind its quote; where lines were folded or letters escaped nothing can be said."""
    begin, end = event.start_mark, event.end_mark
    quotes = 1 if event.style in ("'", '"') else 0
    is_one_piece = begin.line == end.line and end.column - begin.column == len(event.value) + 2 * quotes
    return Place(begin.line + 1, begin.column + 1 + quotes) if is_one_piece else None


def _scalar(event: ScalarEvent) -> Any:
    """Give what a scalar means by the core schema (YAML 1.2.2, 10.3.2); quoted and block ones are texts."""
    text = str(event.value)
    if event.style is not None or event.tag == "!":
        return text
    if _NULL.fullmatch(text):
        return None
    if boolean := _BOOLEAN.fullmatch(text):
        return boolean[1] is not None
    if _WHOLE.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _NUMBER.fullmatch(text):
        return float(text)
    if endless := _UNENDING.fullmatch(text):
        return float(f"{endless[1]}inf") if endless[2] else float("nan")
    return text
