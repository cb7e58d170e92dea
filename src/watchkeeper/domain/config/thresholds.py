"""The sections `thresholds` and `sessions`: when rules fire, and when a session of an agent is called stuck.

The first may be told in our words and in those of the stability watchdog's document.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from watchkeeper.domain.config import stability
from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.config.units import SECONDS
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.sessions.limits import SessionLimits

MOST_SECONDS = 7 * 86_400.0
MOST_COUNT = 1_000
MOST = {
    "lease_near_expiry": 3_600.0,
    "claim_no_output": 3_600.0,
    "sweep": 3_600.0,
    "recurrence": 366 * 86_400.0,
}
"""Times that are shorter than a week, or longer, by what they are times of: more could only be a wrong unit."""


def read_thresholds(given: Field) -> Thresholds:
    """Read the section. A time may be given in any unit, which its key names; in one."""
    return Thresholds(**_read(given, Thresholds))


def read_sessions(given: Field) -> SessionLimits:
    """Read the section of the limits of sessions; times as in `thresholds`."""
    return SessionLimits(**_read(given, SessionLimits))


def _read(given: Field, of: type[Thresholds | SessionLimits]) -> dict[str, Any]:
    section = given.section()
    found: dict[str, Any] = {}
    if section is None:
        return found
    with section:
        for limit in fields(of):
            told = _told(section, limit.name, is_count=str(limit.type) == "int")
            if len(told) > 1:
                *_, last = told
                path = f"{section.path}.{last}"
                meant = f"leave one of {', '.join(told)}"
                section.reading.note(path, section.key_place(last), "this is told twice", meant)
            for value in told.values():
                if value is not None:
                    found[limit.name] = value
    return found


def _told(section: Section, name: str, *, is_count: bool) -> dict[str, float | None]:
    """Read a threshold under each key that stands in the section."""
    told: dict[str, float | None] = {}
    for key, scale in _keys(name, is_count=is_count).items():
        if section.has(key):
            told[key] = _scaled(section, key, name, scale, is_count=is_count)
        else:
            section.take(key, lambda _: None)
    return told


def _keys(name: str, *, is_count: bool) -> dict[str, float]:
    """Give the keys under which a threshold may stand, each with what its unit is in that of the field."""
    subject, _, unit = name.rpartition("_")
    keys = {name: 1.0}
    if unit in SECONDS and not is_count:
        keys = {f"{subject}_{other}": size / SECONDS[unit] for other, size in SECONDS.items()}
    return keys | {word: keys[same] for word, same in stability.THRESHOLDS.items() if same in keys}


def _scaled(section: Section, key: str, name: str, scale: float, *, is_count: bool) -> float | None:
    if is_count:
        return section.take(key, field_of(Field.whole, 1, MOST_COUNT))
    subject, _, unit = name.rpartition("_")
    if unit not in SECONDS:
        return section.take(key, field_of(Field.number, 0, 1))
    most = MOST.get(subject, MOST_SECONDS) / SECONDS[unit]
    value = section.take(key, field_of(Field.number, 0, most / scale))
    return None if value is None else value * scale
