"""The settings that the one document tells: beside its sections, and in those of them that are settings too."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from watchkeeper.documents import read_file
from watchkeeper.domain.config.sections import KEPT, SECTIONS, split
from watchkeeper.domain.config.units import nearest_key
from watchkeeper.domain.placed import DocumentRefused, Place, Placed, Problem


def settings_told(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Give the settings of those names, as they were written.

    Raises DocumentRefused for a key that is neither a setting nor a section, and for one that is told twice. What the
    sections say is otherwise not looked at: that is done by who needs a policy.
    """
    placed = read_file(path)
    if not isinstance(placed.value, dict):
        raise DocumentRefused(
            str(path), [Problem(placed.place, "", "a document is a set of keys and values")]
        )
    sections, beside = split(placed, names)
    problems = [
        Problem(_at(value), key[:100], "this key is unknown", nearest_key(key, [*names, *SECTIONS]))
        for key, value in sections.value.items()
        if key not in SECTIONS
    ]
    told = {key: value.plain() for key, value in beside.items()}
    for key, setting, value in _in_sections(sections):
        if setting in told:
            problems.append(
                Problem(_at(value), key, f"the document says '{setting}' too", "leave one of the two")
            )
        told[setting] = value.plain()
    if problems:
        raise DocumentRefused(str(path), problems)
    if "gate_http_statuses" not in told and (statuses := _statuses(sections)) is not None:
        told["gate_http_statuses"] = statuses
    return told


def _in_sections(sections: Placed) -> list[tuple[str, str, Placed]]:
    found = []
    words = {"retention": KEPT, "policy": {"on_gate_failed": "on_gate_failed"}}
    for name, keys in words.items():
        section = sections.value.get(name)
        if section is not None and isinstance(section.value, dict):
            found += [
                (f"{name}.{key}", setting, section.value[key])
                for key, setting in keys.items()
                if key in section.value
            ]
    return found


def _statuses(sections: Placed) -> list[int] | None:
    """Give the statuses that the artifact's check counts as opened; a redirect is among them where it says so."""
    checks = sections.value.get("checks")
    if checks is None or not isinstance(checks.value, dict):
        return None
    artifact = checks.value.get("artifact")
    if artifact is None or not isinstance(artifact.value, dict) or "pass" not in artifact.value:
        return None
    from watchkeeper.domain.config.statuses import accepted_statuses

    passes = artifact.value["pass"].value
    found = accepted_statuses(passes) if isinstance(passes, str) else None
    return None if found is None else list(found)


def _at(value: Placed) -> Place:
    return value.key or value.place
