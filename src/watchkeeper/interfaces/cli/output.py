"""What a command prints: tables for people, the same as JSON for programs, errors as one clear line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import EXIT_CODE, UsageError, WatchkeeperError

PIPE_WIDTH = 200
"""Columns of a table that goes into a pipe or file, where no terminal sets the width."""

Columns = Mapping[str, str]
"""Headings of a table and the fields that stand under them."""


def show(value: Any, *, as_json: bool, columns: Columns | None = None, empty: str = "nothing") -> None:
    """Print an answer: with `columns` a list becomes a table, else an object becomes lines of name and value."""
    if as_json:
        write(json.dumps(value, ensure_ascii=False, indent=2, default=str))
    elif isinstance(value, Mapping):
        _print_table({"": "name", " ": "value"}, [{"name": k, "value": v} for k, v in value.items()])
    elif value and columns:
        _print_table(columns, value)
    else:
        write(empty)


def write(text: str) -> None:
    """Print a line; who reads may have gone away, which is no error of ours. Raises UsageError where it is full."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _close_stdout()
    except OSError as error:
        raise UsageError(f"stdout cannot be written: {error.strerror}") from error


def _close_stdout() -> None:
    """Let later writes, and the flush at exit, go nowhere instead of failing again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(error: WatchkeeperError, *, as_json: bool) -> int:
    """Print an error with what to do about it; give its exit code."""
    if as_json:
        answer: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.advice}
        if error.details:
            answer["details"] = error.details
        try:
            write(json.dumps({"ok": False, "error": answer}, ensure_ascii=False, indent=2, default=str))
        except UsageError:
            # It is told on stderr what stdout does not take.
            _close_stdout()
            as_json = False
    if not as_json:
        print(f"watchkeeper: {error.message}\n  {error.advice}", file=sys.stderr)
        for failed in error.details.get("failed", []):
            print(f"  {failed}", file=sys.stderr)
    return EXIT_CODE.get(error.code, EXIT_CODE["internal_error"])


def _print_table(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_header=any(name.strip() for name in columns), pad_edge=False)
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(field))) for field in columns.values()))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(table)


def cell(value: Any) -> str:
    """Give a value as it stands in a table: times in the reader's own zone, nothing as a dash."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case str():
            return _time(value) or value
        case list():
            return ", ".join(map(str, value)) or "-"
        case dict():
            return ", ".join(f"{name} {count}" for name, count in value.items()) or "-"
    return str(value)


def _time(text: str) -> str | None:
    """Show a time of the API in the reader's own zone; None for a text that is none."""
    if len(text) < len("2026-01-01T00:00:00Z") or text[4:5] != "-" or text[10:11] != "T":
        return None
    try:
        return cell(datetime.fromisoformat(text))
    except ValueError:
        return None
