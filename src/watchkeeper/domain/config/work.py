"""The sections `kinds`, `retention` and `host`: what is declared, kept and spared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.config.reading import Field, Section, field_of
from watchkeeper.domain.config.sections import KEPT
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.placed import Placed

DEFAULT_PROJECT = "default"
MOST_DAYS = 36_525.0


@dataclass(frozen=True, slots=True)
class DeclaredKind:
    """A kind, and the project that it is declared in."""

    project_id: str
    kind: KindDeclaration


def read_kinds(given: Field) -> tuple[DeclaredKind, ...]:
    """Read the section: under each kind's name its declaration, and the `project` if it is not the default one."""
    section = given.section()
    found: list[DeclaredKind] = []
    if section is None:
        return ()
    with section:
        for name, one in section.fields():
            below = one.section()
            if below is not None:
                declared = _kind(below, name, one)
                found += [declared] if declared is not None else []
    return tuple(found)


def _kind(section: Section, name: str, given: Field) -> DeclaredKind | None:
    entries: dict[str, Placed] = given.placed.value
    project = section.take("project", field_of(Field.text, "the name of a project"))
    for key in entries:
        section.take(key, lambda _: None)
    told: dict[str, Any] = {key: value.plain() for key, value in entries.items() if key != "project"}
    if "name" in told:
        section.take("name", lambda one: one.refuse("a kind's name is its key here", "leave it away"))
    told["name"] = name
    is_whole = True
    while True:
        try:
            kind = KindDeclaration.parse(told)
            break
        except (UsageError, InvalidContract) as error:
            is_whole = False
            key = "contract" if isinstance(error, InvalidContract) else str(error.details["key"])
            _refuse(section, given, key, error)
            if key == "name" or told.pop(key, None) is None:
                return None
    return DeclaredKind(project or DEFAULT_PROJECT, kind) if is_whole else None


def _refuse(section: Section, given: Field, key: str, error: UsageError | InvalidContract) -> None:
    message, _, meant = error.message.partition("; ")
    if section.has(key):
        section.take(key, lambda one: one.refuse(message, meant, at=one.placed.key))
    else:
        given.refuse(message, meant, at=given.placed.key)


def read_retention(given: Field) -> dict[str, float]:
    """Read the section; give the settings that it is."""
    section = given.section()
    if section is None:
        return {}
    with section:
        told = {
            setting: section.take(key, field_of(Field.number, 0, MOST_DAYS)) for key, setting in KEPT.items()
        }
    return {setting: value for setting, value in told.items() if value is not None}


def read_host(given: Field) -> tuple[str, ...]:
    """Read the section: the daemons that sessions share, by path or file name, which no sweep ends."""
    section = given.section()
    if section is None:
        return ()
    with section:
        return section.take("shared_daemons", Field.texts) or ()
