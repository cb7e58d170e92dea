"""Answers as JSON: `ok: true` beside what was asked for, times in ISO 8601, nothing that a cache may keep."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import Response

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(status: int = 200, headers: dict[str, str] | None = None, /, **fields: Any) -> Response:
    """Give an answer that says that all went well."""
    return as_json({"ok": True, **fields}, status, headers)


def as_json(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """Give any document."""
    content = json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, HEADERS | (headers or {}), media_type)


def csv_file(name: str, text: str) -> Response:
    """Give a table for a spreadsheet, to be kept as a file of that name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, 200, HEADERS | headers, "text/csv; charset=utf-8")


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
