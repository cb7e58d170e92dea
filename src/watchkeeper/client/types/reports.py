"""Types: Figures over time.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class DrillBody(TypedDict):
    """How a drill ended."""

    drill: str
    evidence: int
    passed: bool
    reason: NotRequired[str | None]


class ReportsD30Answer(TypedDict):
    ok: bool
    provisional_until: Any
    reasons: list[str]
    recommendation: str


class ReportsDrillEndedAnswer(TypedDict):
    drill: str
    ok: bool
    passed: bool


class ReportsFigure(TypedDict):
    before: NotRequired[int | None]
    figure: NotRequired[str | None]
    part: NotRequired[str | None]
    value: NotRequired[int | None]


class ReportsGate(TypedDict):
    enough: NotRequired[int | None]
    n: NotRequired[int | None]
    part: NotRequired[int | None]
    status: NotRequired[str | None]
    value: NotRequired[float | None]


class ReportsGatePassRate(TypedDict):
    enough: NotRequired[int | None]
    n: NotRequired[int | None]
    part: NotRequired[int | None]
    status: NotRequired[str | None]
    value: NotRequired[float | None]


class ReportsIndicators(TypedDict):
    gate_pass_rate: NotRequired[ReportsGatePassRate | None]


class ReportsIndicatorsAnswer(TypedDict):
    days: float
    indicators: ReportsIndicators
    ok: bool


class ReportsItem(TypedDict):
    because: NotRequired[str | None]
    due_at: NotRequired[str | None]
    is_due: NotRequired[bool | None]
    result: NotRequired[str | None]
    sentence: NotRequired[str | None]
    source: NotRequired[str | None]
    stage: NotRequired[str | None]


class ReportsLevel(TypedDict):
    level: NotRequired[int | None]
    result: NotRequired[str | None]


class ReportsMaturityAnswer(TypedDict):
    level: int
    levels: list[ReportsLevel]
    ok: bool


class ReportsMetric(TypedDict):
    metric: NotRequired[str | None]
    n: NotRequired[int | None]
    next_action: NotRequired[str | None]
    open: NotRequired[int | None]
    owner: NotRequired[str | None]
    seen: NotRequired[int | None]
    severity: NotRequired[str | None]
    status: NotRequired[str | None]
    threshold: NotRequired[str | None]


class ReportsMetricsAnswer(TypedDict):
    days: float
    metrics: list[ReportsMetric]
    ok: bool


class ReportsParts(TypedDict):
    gate: NotRequired[ReportsGate | None]


class ReportsPool(TypedDict):
    allowed: NotRequired[float | None]
    budget_left: NotRequired[float | None]
    failed: NotRequired[int | None]
    n: NotRequired[int | None]
    period_days: NotRequired[float | None]
    pool: NotRequired[str | None]
    state: NotRequired[str | None]
    target: NotRequired[float | None]
    windows: NotRequired[list[ReportsWindow] | None]


class ReportsReadinessAnswer(TypedDict):
    ok: bool
    schema_version: str


class ReportsScore(TypedDict):
    name: NotRequired[str | None]
    parts: NotRequired[ReportsParts | None]
    score: NotRequired[float | None]
    subject: NotRequired[str | None]


class ReportsScoresAnswer(TypedDict):
    days: float
    ok: bool
    scores: list[ReportsScore]


class ReportsSlosAnswer(TypedDict):
    counted_to: NotRequired[str | None]
    is_stale: bool
    ok: bool
    pools: list[ReportsPool]


class ReportsStagesAnswer(TypedDict):
    generated_at: str
    items: list[ReportsItem]
    ok: bool
    started_at: str


class ReportsWeeklyAnswer(TypedDict):
    figures: list[ReportsFigure]
    ok: bool
    since: str
    slos: list[Any]
    until: str


class ReportsWindow(TypedDict):
    fires: NotRequired[bool | None]
    long_burn: NotRequired[float | None]
    long_s: NotRequired[float | None]
    threshold: NotRequired[float | None]
    urgency: NotRequired[str | None]
