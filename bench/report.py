"""The table for people and the JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import watchkeeper
from bench.plan import Plan, Row, Spread

PEERS = ("pgqueuer", "asyncpg", "psycopg")


def table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table that also reads well as plain text."""
    cells = [("what", "required", "reached", "ok")]
    cells += [(row.what, row.required, row.reached, _verdict(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def calibration_text(calibration: Mapping[str, Spread]) -> str:
    return "; ".join(f"{name} {spread.median:.2f} ms" for name, spread in calibration.items())


def machine() -> str:
    """Name the class of this machine, and nothing that is its own."""
    kind = f"{os.cpu_count()}-core {platform.system()} {platform.machine()}"
    return f"{kind}, Python {platform.python_version()}"


def document(
    plan: Plan, calibration: Mapping[str, Spread], named: Mapping[str, Sequence[Row]]
) -> dict[str, Any]:
    """Give everything that was measured, as JSON."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {"watchkeeper": watchkeeper.__version__, **{name: version(name) for name in PEERS}},
        "plan": asdict(plan),
        "calibration_ms": {name: spread.json() for name, spread in calibration.items()},
        "measurements": {
            name: [{**asdict(row), "ok": row.ok} for row in rows] for name, rows in named.items()
        },
    }


def write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=2, default=str) + "\n", encoding="utf-8")


def _verdict(row: Row) -> str:
    return {True: "yes", False: "NO", None: "-"}[row.ok]
