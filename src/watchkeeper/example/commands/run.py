"""Runs the command that the first argument names."""

from __future__ import annotations

import sys
from collections.abc import Callable

from . import reports, survey

COMMANDS: dict[str, Callable[[], None]] = {
    "welcome": reports.welcome,
    "words": reports.words,
    "chart": reports.chart,
    "table": reports.csv_table,
    "links": reports.links,
    "calendar": reports.year,
    "checksums": reports.checksums,
    "hollow": reports.hollow,
    "survey": survey.survey,
}


def main() -> int:
    """Run a command; exit code 2 for one that is not there."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in COMMANDS:
        print(f"known are {', '.join(COMMANDS)}", file=sys.stderr)  # noqa: T201 - a command's way to speak
        return 2
    COMMANDS[name]()
    return 0
