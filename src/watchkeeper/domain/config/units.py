"""Units stand in the names of keys; what somebody wrote with another unit, or with one in its value, is told anew."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from watchkeeper.domain.suggestions import did_you_mean

MOST_CHARS = 200
"""Of a suggestion; a longer list of keys helps nobody."""

SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3_600.0, "days": 86_400.0}
_SHORT = {"s": "seconds", "sec": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_MEASURED = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*")
_UNIT = re.compile("|".join(SECONDS))


def without_unit(key: str, value: Any, most: float) -> str:
    """Say how a number is written under a key that names its unit; an empty text where nothing can be told."""
    unit = _unit_of(key)
    if isinstance(value, str) and (found := _MEASURED.fullmatch(value)):
        told = found[2].lower()
        given = _SHORT.get(told, told if told in SECONDS else f"{told}s") if told else unit
        if unit is None or given not in SECONDS:
            return f"write {found[1]}" if not told else ""
        return f"write {_scaled(float(found[1]), given, unit):g}: the key counts {unit}"
    if unit is None or isinstance(value, bool) or not isinstance(value, int | float) or not value > most:
        return ""
    smaller = [name for name, size in SECONDS.items() if size < SECONDS[unit]]
    for name in reversed(smaller):
        if (meant := _scaled(float(value), name, unit)) <= most:
            return f"the key counts {unit}: {value:g} {name} are {meant:g}"
    return ""


def nearest_key(key: str, known: Collection[str]) -> str:
    """Say which key was meant; one that differs in its unit alone is told as that."""
    for one in known:
        if _UNIT.search(key) and _UNIT.sub("", one) == _UNIT.sub("", key):
            return f"did you mean '{one}'? It counts {_unit_of(one)}"
    meant = did_you_mean(key, known) if known else "nothing may stand here"
    return meant if len(meant) <= MOST_CHARS else "docs/config.md lists all keys"


def _unit_of(key: str) -> str | None:
    found = _UNIT.findall(key.rpartition(".")[2])
    return found[-1] if found else None


def _scaled(number: float, unit: str, into: str) -> float:
    return number * SECONDS[unit] / SECONDS[into]
