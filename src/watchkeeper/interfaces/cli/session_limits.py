"""What one session may use of its machine, as `work --limit NAME=VALUE` says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from watchkeeper.agents.scope import Limits
from watchkeeper.domain.errors import UsageError

NAMES = ("memory", "cores", "processes", "disk")
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_VALUE = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)([KMGT]?)i?B?", re.IGNORECASE)


def session_limits(given: Sequence[str]) -> dict[str, Any]:
    """Give the fields of a supervisor's config that `--limit` sets. Raises UsageError for what is none."""
    values = dict(_parsed(text) for text in given)
    limits = Limits(
        memory_bytes=_whole(values.get("memory")),
        cpu_cores=values.get("cores"),
        processes=_whole(values.get("processes")),
    )
    disk = _whole(values.get("disk"))
    return {"limits": limits} | ({} if disk is None else {"workspace_limit_bytes": disk})


def _parsed(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    found = _VALUE.fullmatch(value.strip())
    if name not in NAMES or found is None or float(found[1]) <= 0:
        raise UsageError(
            f"--limit is {text!r}; it is NAME=VALUE of {', '.join(NAMES)}",
            hint="--limit memory=4G --limit cores=1.5 --limit processes=500 --limit disk=20G",
        )
    return name, float(found[1]) * UNITS[found[2].upper()]


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
