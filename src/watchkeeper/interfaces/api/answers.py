"""Answers as JSON: `ok: true` beside what was asked for, times in ISO 8601, nothing that a cache may keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import Response

from watchkeeper.services.list_tables import list_as_csv

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
NEXT_CURSOR = "Watchkeeper-Next-Cursor"
"""Where a file of rows says that there are more; JSON says it in `next_cursor`."""


def answer(status: int = 200, headers: dict[str, str] | None = None, /, **fields: Any) -> Response:
    """Give an answer that says that all went well."""
    return as_json({"ok": True, **fields}, status, headers)


def as_json(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """Give any document."""
    content = json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, HEADERS | (headers or {}), media_type)


def csv_file(name: str, text: str, headers: dict[str, str] | None = None) -> Response:
    """Give a table for a spreadsheet, to be kept as a file of that name."""
    kept = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, 200, HEADERS | kept | (headers or {}), "text/csv; charset=utf-8")


def listed(name: str, rows: Sequence[dict[str, Any]], following: object, form: str) -> Response:
    """Give a page of a list as JSON or as CSV; `following` is the cursor of the next page, None at the end."""
    if form == "json":
        return answer(**{name: rows}, next_cursor=following)
    return csv_file(name, list_as_csv(name, rows), {} if following is None else {NEXT_CURSOR: str(following)})


def without_number(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out a job's number: all projects share the count, which would tell of the others' work."""
    return {name: value for name, value in row.items() if name not in ("seq", "job_seq")}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
