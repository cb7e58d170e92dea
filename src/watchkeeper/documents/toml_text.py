"""TOML: the values are tomllib's, the places a scan's of our own, since tomllib keeps none."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from watchkeeper.documents.toml_places import Places, places_of
from watchkeeper.domain.placed import DocumentRefused, Place, Placed, Problem

MAX_DEPTH = 32

_AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def read_toml(text: str, name: str) -> Placed:
    """Read a TOML document; raise DocumentRefused."""
    try:
        data = tomllib.loads(text)
        if _depth(data) > MAX_DEPTH:
            problem = Problem(Place(1, 1), "", f"it is more than {MAX_DEPTH} levels deep")
            raise DocumentRefused(name, [problem])
        places = places_of(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise DocumentRefused(name, [_told(str(error), text)]) from None
    return _placed(data, (), places)


def _told(message: str, text: str) -> Problem:
    found = _AT.fullmatch(message)
    if found is None:
        return Problem(Place(1, 1), "", f"this is no TOML: {message[:200]}")
    lines = text.split("\n")
    place = Place(int(found[2]), int(found[3])) if found[2] else Place(len(lines), len(lines[-1]) + 1)
    return Problem(place, "", f"this is no TOML: {found[1][:200]}")


def _depth(data: Any) -> int:
    level, depth = [data], 0
    while level:
        depth += 1
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


def _placed(data: Any, path: tuple[str | int, ...], places: Places) -> Placed:
    stands = places.get(path) or places[()]
    if isinstance(data, dict):
        entries = {key: _placed(value, (*path, key), places) for key, value in data.items()}
        return Placed(entries, stands.place, stands.key)
    if isinstance(data, list):
        items = [_placed(item, (*path, number), places) for number, item in enumerate(data)]
        return Placed(items, stands.place, stands.key)
    return Placed(data, stands.place, stands.key, stands.inner)
