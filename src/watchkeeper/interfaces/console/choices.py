"""What a reader chooses for one browser, kept in cookies: language, colours, time zone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Request, Response

from watchkeeper.interfaces.console.i18n import LANGUAGE_COOKIE, LANGUAGES, message

THEME_COOKIE = "watchkeeper_theme"
ZONE_COOKIE = "watchkeeper_zone"
KEPT_SECONDS = 365 * 86_400
UTC = ZoneInfo("UTC")

THEMES: dict[str, str] = {
    "system": message("As the system has it"),
    "light": message("Light"),
    "dark": message("Dark"),
}

COMMON_ZONES = (
    "UTC",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
)
"""Offered first; every zone of the IANA database can be typed."""


def chosen_zone(cookies: Mapping[str, str]) -> ZoneInfo:
    """Give the zone that times are shown in; UTC where none, or none that there is, was chosen."""
    name = cookies.get(ZONE_COOKIE, "")
    return ZoneInfo(name) if is_zone(name) else UTC


def is_zone(name: str) -> bool:
    return name in available_zones()


@cache
def available_zones() -> frozenset[str]:
    """Give the names of all zones, looked up once: they are files."""
    return frozenset(available_timezones())


def chosen_theme(cookies: Mapping[str, str]) -> str | None:
    theme = cookies.get(THEME_COOKIE)
    return theme if theme in ("light", "dark") else None


def keep(response: Response, request: Request, chosen: Mapping[str, str | None]) -> None:
    """Set the cookies of what was chosen; what there is not is left as it was."""
    tests = {
        LANGUAGE_COOKIE: lambda value: value in LANGUAGES,
        THEME_COOKIE: lambda value: value in THEMES,
        ZONE_COOKIE: is_zone,
    }
    for cookie, value in chosen.items():
        if value is not None and tests[cookie](value):
            response.set_cookie(
                cookie,
                value,
                max_age=KEPT_SECONDS,
                samesite="lax",
                httponly=True,
                secure=request.url.scheme == "https",
            )
