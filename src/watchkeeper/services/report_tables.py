"""Reports as flat tables: the same rows for CSV, for a spreadsheet, and for a page that is printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.services.evidence import WORKER_PARTS

Report = Mapping[str, Any]
Rows = Iterable[Mapping[str, Any]]

SHARE = ("value", "part", "n", "status")
BUDGET = ("allowed", "budget_left", "burn_1h", "burn_6h", "burn_72h")

AUDIT_COLUMNS = (
    *("at", "event", "actor", "on_behalf_of", "job_id", "epoch", "old_state", "new_state", "reason", "data"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _items(name: str) -> Callable[[Report], Rows]:
    return lambda report: report[name]


def _indicators(report: Report) -> Rows:
    yield from ({"name": name, **figure} for name, figure in report["indicators"].items())
    yield {"name": "project_advancement", **report["advancement"]}


def _d30(report: Report) -> Rows:
    yield {"what": "recommendation", "said": report["recommendation"]}
    yield from ({"what": "reason", "said": reason} for reason in report["reasons"])
    yield {"what": "provisional_until", "said": report["provisional_until"]}
    yield {"what": "real_incidents", "said": report["real_incidents"]}
    yield {"what": "persona_change", "said": report["persona"]["change"]}


def _scores(report: Report) -> Rows:
    for score in report["scores"]:
        parts = {name: f"{part['part']}/{part['n']}" for name, part in score["parts"].items()}
        yield {**score, **parts}


def _slos(report: Report) -> Rows:
    for pool in report["pools"]:
        burns = {f"burn_{one['long_s'] // 3600}h": one["long_burn"] for one in pool["windows"]}
        yield {**pool, **burns}


TABLES: dict[str, tuple[tuple[str, ...], Callable[[Report], Rows]]] = {
    "stages": (
        ("stage", "source", "result", "sentence", "proof", "because", "due_at", "is_due"),
        _items("items"),
    ),
    "d30": (("what", "said"), _d30),
    "maturity": (("level", "result", "sentence", "because"), _items("levels")),
    "metrics": (
        ("metric", "threshold", "severity", "owner", "status", "next_action", "open", "seen", "n"),
        _items("metrics"),
    ),
    "indicators": (("name", *SHARE), _indicators),
    "scores": (
        ("subject", "name", "score", "status", "n", "open_incidents", *WORKER_PARTS),
        _scores,
    ),
    "slos": (
        (*("pool", "state", "target", "period_days", "n", "completed", "failed"), *BUDGET),
        _slos,
    ),
    "weekly": (("part", "figure", "value", "before"), _items("figures")),
}
"""The columns of each report, and what gives its rows."""


def as_csv(columns: Sequence[str], rows: Rows) -> str:
    """Write rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def report_as_csv(name: str, report: Report) -> str:
    """Write a report as CSV."""
    columns, rows = TABLES[name]
    return as_csv(columns, rows(report))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
