"""Loads the named queries of `sql/*.sql`: every query has a `-- name:` line and a line that describes it."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n-- (.+)\n", re.MULTILINE)


@cache
def query(name: str) -> LiteralString:
    """Give the text of a named query; raise KeyError if no file has it."""
    return _all_queries()[name]


@cache
def _all_queries() -> dict[str, LiteralString]:
    queries: dict[str, LiteralString] = {}
    for file in sorted((resources.files(__package__) / "sql").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, body in zip(parts[1::3], parts[3::3], strict=True):
            if name in queries:
                raise ValueError(f"two queries are named {name}; the second is in {file.name}")
            # The texts ship with the package: as literal as SQL in the source would be.
            queries[name] = cast("LiteralString", body.strip().rstrip(";"))
    return queries
