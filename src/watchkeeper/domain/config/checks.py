"""The section `checks`: what each step of a heartbeat must have answered. A step left out keeps its usual check."""

from __future__ import annotations

import re
from collections.abc import Collection

from watchkeeper.domain.config.reading import Field, field_of
from watchkeeper.domain.expressions import Expression
from watchkeeper.domain.heartbeat_checks import (
    ARTIFACT_VERIFIED,
    DEFAULT_CHECKS,
    JOB_CLAIMED,
    HeartbeatCheck,
)
from watchkeeper.domain.rules.names import Severity
from watchkeeper.domain.suggestions import did_you_mean

COMMANDS = (
    "doctor",
    "touch",
    "claim",
    "context",
    "progress",
    "upload-files",
    "verify",
    "complete",
    "fail",
    "release",
)
MOST_CHECKS = 50
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def read_checks(given: Field) -> tuple[HeartbeatCheck, ...]:
    """Read the section, in its order, which is that of the steps."""
    section = given.section()
    if section is None:
        return DEFAULT_CHECKS
    found: dict[str, HeartbeatCheck | None] = {}
    with section:
        for name, one in section.fields():
            if not _NAME.fullmatch(name) or len(found) >= MOST_CHECKS:
                one.refuse(f"a check's name is of small letters, digits and _; at most {MOST_CHECKS} of them")
            else:
                found[name] = _check(name, one, [*found])
    usual = {check.name: check for check in DEFAULT_CHECKS if check.name not in found}
    return (*usual.values(), *(check for check in found.values() if check is not None))


def _check(name: str, given: Field, earlier: Collection[str]) -> HeartbeatCheck | None:
    section = given.section()
    if section is None:
        return None
    usual = {check.name: check for check in DEFAULT_CHECKS}.get(name)
    with section:
        command = section.take("command", field_of(Field.among, COMMANDS, "command"))
        required = section.take("required_when", Field.expression)
        passes = section.take("pass", Field.expression)
        severity = section.take("severity", field_of(Field.one_of, Severity))
        if not section.has("pass"):
            given.refuse("a check needs 'pass', an expression", "such as: ok == true")
        if passes is not None and not passes.facts:
            section.take(
                "pass", lambda one: one.refuse("this reads no fact, so that nothing could change it")
            )
        if required is not None:
            section.take("required_when", lambda one: _check_facts(one, required, earlier))
    if passes is None:
        return None
    default = usual.severity if usual else Severity.MEDIUM
    return HeartbeatCheck(name, passes, severity or default, command, required)


def _check_facts(given: Field, required: Expression, earlier: Collection[str]) -> None:
    """Refuse a condition that rests on what no heartbeat tells: it could never be true."""
    words = {JOB_CLAIMED, *(f"{name}_ok" for name in earlier)}
    if "artifact" in earlier:
        words.add(ARTIFACT_VERIFIED)
    for fact in required.facts:
        if fact not in words and fact.partition(".")[0] not in earlier:
            given.refuse(
                f"no step before this one tells '{fact}', so that it could never be required",
                did_you_mean(fact, words),
            )
