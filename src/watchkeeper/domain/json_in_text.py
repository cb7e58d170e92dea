"""JSON objects that stand in a text among other things, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from watchkeeper.domain.strict_json import finite

PARSE_BUDGET = 64 * 1024 * 1024
"""Characters that may be read while objects are looked for: a text full of braces is not read for ever."""


def spans_of_objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Give each JSON object that stands in a text by itself, with where it begins and ends."""
    decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=finite)
    position, budget = 0, PARSE_BUDGET
    while (begin := text.find("{", position)) != -1 and budget > 0:
        try:
            found, end = decoder.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            budget -= error.pos - begin + 1
            position = begin + 1
        except (ValueError, RecursionError):
            budget -= len(text) - begin
            position = begin + 1
        else:
            yield begin, end, found
            position = end


def last_object(text: str) -> tuple[str, dict[str, Any]] | None:
    """Give the last JSON object of a text, as it stands and read; None where there is none."""
    last = None
    for begin, end, found in spans_of_objects(text):
        last = text[begin:end], found
    return last


def at(data: Any, path: str) -> Any:
    """Follow a dotted path; None where it leads nowhere."""
    for part in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def read_time(value: Any) -> datetime | None:
    """Read a time: ISO 8601 (without a zone it is UTC), or seconds or milliseconds since 1970; None for else."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
