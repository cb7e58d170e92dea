"""Pure formatting for people: times, spans, numbers, sizes. Every time that is shown goes through here."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from babel import Locale
from babel.dates import format_timedelta
from babel.numbers import format_decimal
from babel.units import format_unit

UNKNOWN = "?"
_SIZES = (("gigabyte", 1024**3), ("megabyte", 1024**2), ("kilobyte", 1024))
_SPANS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def relative(when: datetime, now: datetime, locale: Locale) -> str:
    """Say how far a time lies from now: "3 minutes ago", "in 2 hours"."""
    seconds = round((when - now).total_seconds())
    # Clocks of two statements differ by milliseconds; "in 0 seconds" would read as a mistake.
    return format_timedelta(seconds or -1, add_direction=True, threshold=1.2, locale=locale)


def absolute(when: datetime, zone: tzinfo = UTC) -> str:
    """Give date and time with the name of the zone, and how far it is from UTC then: an hour may come twice."""
    there = when.astimezone(zone)
    return f"{there:%Y-%m-%d %H:%M:%S} {_named(there, zone)}"


def clock(when: datetime, zone: tzinfo = UTC) -> str:
    """Give the time of day with the name of the zone."""
    return f"{when.astimezone(zone):%H:%M:%S} {zone}"


def tick(when: datetime, before: datetime | None, zone: tzinfo = UTC) -> str:
    """Name a moment of an axis: the time of day, with the date where the one before it lies on another day."""
    there = when.astimezone(zone)
    time = f"{there:%H:%M:%S}" if there.second else f"{there:%H:%M}"
    is_same_day = before is not None and before.astimezone(zone).date() == there.date()
    return time if is_same_day else f"{there:%m-%d} {time}"


def _named(there: datetime, zone: tzinfo) -> str:
    if str(zone) == "UTC":
        return "UTC"
    offset = there.strftime("%z")
    return f"{offset[:3]}:{offset[3:]} {zone}"


def machine(when: datetime) -> str:
    """Give a time as the `datetime` attribute takes it."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def span(seconds: float | None, locale: Locale) -> str:
    """Give a length of time by its two largest units; a negative one counts as nothing."""
    if seconds is None:
        return UNKNOWN
    left = max(0, round(seconds))
    parts = []
    for unit, size in _SPANS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(format_unit(amount, f"duration-{unit}", length="short", locale=locale))
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or format_unit(0, "duration-second", length="short", locale=locale)


def number(value: float | None, locale: Locale) -> str:
    """Give a number with the locale's separators; what is not known is "?", never 0."""
    return UNKNOWN if value is None else format_decimal(value, locale=locale)


def size(count: int | None, locale: Locale) -> str:
    """Give a number of bytes in the largest unit that keeps it at 1 or more."""
    if count is None:
        return UNKNOWN
    for unit, factor in _SIZES:
        if count >= factor:
            return format_unit(
                count / factor, f"digital-{unit}", length="short", format="#,##0.#", locale=locale
            )
    return format_unit(count, "digital-byte", length="short", locale=locale)


def share(part: float, whole: float) -> int:
    """Give what is left of a whole in percent, from 0 to 100, for a bar's width."""
    return 0 if whole <= 0 else round(100 * min(1.0, max(0.0, part / whole)))


def short(job: object) -> str:
    """Give the end of a job's id: its beginning is the time, its number would tell of other projects' work."""
    return str(job)[-8:]


def cut(text: str, limit: int) -> str:
    """Shorten a text that others wrote; the cut shows."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
