"""The section `helper`: a foreign helper, read key by key as HelperConfig names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.helper_config import DEFAULT_PATHS, UPLOAD_IDS, HelperConfig
from watchkeeper.domain.placed import Place

MOST_SECONDS = 86_400.0
MOST_COUNT = 1_000


def read_helper(given: Field) -> HelperConfig | None:
    """Read the section; None where something in it is wrong."""
    section = given.section()
    if section is None:
        return None
    before = len(given.reading.problems)
    with section:
        told = {
            one.name: section.take(one.name, _reader(one.name, str(one.type))) for one in fields(HelperConfig)
        }
    if len(given.reading.problems) > before:
        return None
    try:
        return HelperConfig(**{name: value for name, value in told.items() if value is not None})
    except SettingError as error:
        _refuse(section, given, error)
        return None


def _refuse(section: Section, given: Field, error: SettingError) -> None:
    name = error.message.removeprefix("helper.").split(maxsplit=1)[0].partition(".")[0]
    at: Place | None = section.key_place(name) if section.has(name) else given.placed.key
    given.refuse(error.message, at=at)


def _reader(name: str, of_type: str) -> Callable[[Field], Any]:
    match name, of_type:
        case "fields", _:
            return _paths
        case "upload_id", _:
            return field_of(Field.among, UPLOAD_IDS, "id to upload by")
        case _, "int":
            return field_of(Field.whole, 1, MOST_COUNT)
        case _, "float":
            return field_of(Field.number, 0, 1 if name.endswith("_fraction") else MOST_SECONDS)
        case _, "tuple[str, ...]":
            return Field.texts
    return Field.text


def _paths(given: Field) -> dict[str, str]:
    section = given.section()
    found: dict[str, str] = {}
    if section is None:
        return found
    with section:
        for name in DEFAULT_PATHS:
            path = section.take(name, field_of(Field.text, "a dotted path"))
            if path is not None and not all(path.split(".")):
                section.take(
                    name, lambda one: one.refuse(f"{one.shown()} is no path", "such as job.lease.ends_at")
                )
            elif path is not None:
                found[name] = path
    return found
