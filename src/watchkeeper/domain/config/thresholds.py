"""The section `thresholds`: when rules fire, in our words and in those of the stability watchdog's document."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from watchkeeper.domain.config import stability
from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.config.units import SECONDS
from watchkeeper.domain.policies import Thresholds

MOST_SECONDS = 7 * 86_400.0
MOST_COUNT = 1_000
MOST = {"lease_near_expiry": 3_600.0, "claim_no_output": 3_600.0, "recurrence": 366 * 86_400.0}
"""Times that are shorter than a week, or longer, by what they are times of: more could only be a wrong unit."""


def read_thresholds(given: Field) -> Thresholds:
    """Read the section. A time may be given in any unit, which its key names; in one."""
    section = given.section()
    if section is None:
        return Thresholds()
    found: dict[str, Any] = {}
    with section:
        for one in fields(Thresholds):
            told = _told(section, one.name, str(one.type))
            for word, same in stability.THRESHOLDS.items():
                if same in _keys(one.name):
                    told |= _told_as(section, word, same)
            if len(told) > 1:
                *_, last = told
                section.reading.note(
                    f"{section.path}.{last}",
                    section.key_place(last),
                    "this is told twice",
                    f"leave one of {', '.join(told)}",
                )
            for value in told.values():
                if value is not None:
                    found[one.name] = value
    return Thresholds(**found)


def _keys(name: str) -> dict[str, float]:
    """Give the keys under which a threshold may stand, each with what its unit is in that of the field."""
    subject, _, unit = name.rpartition("_")
    if unit not in SECONDS:
        return {name: 1.0}
    return {f"{subject}_{other}": size / SECONDS[unit] for other, size in SECONDS.items()}


def _told(section: Section, name: str, of_type: str) -> dict[str, float | None]:
    told: dict[str, float | None] = {}
    for key, scale in _keys(name).items():
        if section.has(key):
            told[key] = _scaled(section, key, name, of_type, scale)
        else:
            section.take(key, lambda _: None)
    return told


def _scaled(section: Section, key: str, name: str, of_type: str, scale: float) -> float | None:
    if of_type == "int":
        return section.take(key, field_of(Field.whole, 1, MOST_COUNT))
    subject, _, unit = name.rpartition("_")
    if unit == "fraction":
        return section.take(key, field_of(Field.number, 0, 1))
    most = MOST.get(subject, MOST_SECONDS) / SECONDS[unit]
    value = section.take(key, field_of(Field.number, 0, most / scale))
    return None if value is None else value * scale


def _told_as(section: Section, word: str, same: str) -> dict[str, float | None]:
    """Read a threshold under the other document's word; `same` is the key of ours that it stands for."""
    name = next(one.name for one in fields(Thresholds) if same in _keys(one.name))
    of_type = next(str(one.type) for one in fields(Thresholds) if one.name == name)
    if not section.has(word):
        section.take(word, lambda _: None)
        return {}
    return {word: _scaled(section, word, name, of_type, _keys(name)[same])}
