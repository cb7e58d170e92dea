"""When a provider lets work go on again, from the words with which an agent tells it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = re.compile(r"\|\s*(1\d{9})(\d{3})?\b")
_SPAN = re.compile(
    r"\bin\s+((?:about\s+)?(?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
    r"(?:\s*,?\s*(?:and\s+)?|\b))+)",
    re.IGNORECASE,
)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|d|h|m|s)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "milli": 0.001, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_STAMP = re.compile(
    r"\b(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:\.\d+)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_CLOCK = re.compile(
    r"\b(?:resets?|again|until|available|at)\s+(?:at\s+|on\s+)?"
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:,?\s+(?P<year>\d{4}))?,?\s+(?:at\s+)?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?::\d{2})?\s*(?P<half>[ap])?\.?(?:m\b)?",
    re.IGNORECASE,
)
_ZONE = re.compile(r"\(([A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)*)\)|\b(UTC|GMT)\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

LOOKED_AT = 1000


def reset_time(text: str, now: float) -> float | None:
    """Give the moment, in seconds since 1970, that a text names; None where it names none.

    `now` is when the text was heard: "in 2 hours" and "at 3pm" count from there. An hour without a zone is this
    machine's, as agents write it.
    """
    text = text[:LOOKED_AT]
    if found := _EPOCH.search(text):
        return float(found[1])
    if (span := seconds_told(text)) is not None:
        return now + span
    try:
        return _stamp(text) or _clock(text, now)
    except (ValueError, OverflowError, LookupError, OSError):
        # 31 February, hour 27, a zone that nobody knows: a time that is none.
        return None


def seconds_told(text: str) -> float | None:
    """Give the span that a text names: "in 2h 5m", "in 1.5s"; None where it names none."""
    found = _SPAN.search(text[:LOOKED_AT])
    if found is None:
        return None
    return sum(float(size) * _SECONDS[unit.lower()] for size, unit in _PIECE.findall(found[1]))


def _stamp(text: str) -> float | None:
    found = _STAMP.search(text)
    if found is None:
        return None
    day, minute, second, zone = found.groups()
    zone = {"Z": "+00:00", "UTC": "+00:00"}.get((zone or "").upper(), zone or "")
    return datetime.fromisoformat(f"{day}T{minute}{second or ':00'}{zone}").timestamp()


def _clock(text: str, now: float) -> float | None:
    found = _CLOCK.search(text)
    if found is None or not (found["half"] or found["minute"]):
        return None
    zone = _ZONE.search(text)
    tz = ZoneInfo(zone[1] or zone[2]) if zone else None
    here = datetime.fromtimestamp(now, tz) if tz else datetime.fromtimestamp(now).astimezone()
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    moment = here.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
    if found["month"]:
        month = _MONTHS.index(found["month"].lower()) + 1
        moment = moment.replace(year=int(found["year"] or here.year), month=month, day=int(found["day"]))
        if not found["year"] and moment < here - timedelta(days=1):
            moment = moment.replace(year=here.year + 1)
    elif moment <= here:
        moment += timedelta(days=1)
    return moment.timestamp()
