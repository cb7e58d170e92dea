"""Figures over time.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.reports import (
    DrillBody,
    ReportsD30Answer,
    ReportsDrillEndedAnswer,
    ReportsIndicatorsAnswer,
    ReportsMaturityAnswer,
    ReportsMetricsAnswer,
    ReportsReadinessAnswer,
    ReportsScoresAnswer,
    ReportsSlosAnswer,
    ReportsStagesAnswer,
    ReportsWeeklyAnswer,
)


class ReportsDrillEndedSaid(DrillBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ReportsD30Said(TypedDict, total=False):
    format: Literal["json", "csv"]
    project: str


class ReportsIndicatorsSaid(TypedDict, total=False):
    days: float
    format: Literal["json", "csv"]
    project: str


class ReportsMaturitySaid(TypedDict, total=False):
    format: Literal["json", "csv"]
    project: str


class ReportsMetricsSaid(TypedDict, total=False):
    days: float
    format: Literal["json", "csv"]
    project: str


class ReportsReadinessSaid(TypedDict, total=False):
    project: str


class ReportsScoresSaid(TypedDict, total=False):
    days: float
    format: Literal["json", "csv"]
    project: str


class ReportsSlosSaid(TypedDict, total=False):
    format: Literal["json", "csv"]
    project: str


class ReportsStagesSaid(TypedDict, total=False):
    format: Literal["json", "csv"]
    project: str


class ReportsWeeklySaid(TypedDict, total=False):
    weeks_ago: int
    format: Literal["json", "csv"]
    project: str


_DRILL_ENDED = Operation("POST", "/api/drills", (), takes_key=True)

_D30 = Operation("GET", "/api/reports/d30", ("format",))

_INDICATORS = Operation("GET", "/api/reports/indicators", ("days", "format"))

_MATURITY = Operation("GET", "/api/reports/maturity", ("format",))

_METRICS = Operation("GET", "/api/reports/metrics", ("days", "format"))

_READINESS = Operation("GET", "/api/reports/readiness")

_SCORES = Operation("GET", "/api/reports/scores", ("days", "format"))

_SLOS = Operation("GET", "/api/reports/slos", ("format",))

_STAGES = Operation("GET", "/api/reports/stages", ("format",))

_WEEKLY = Operation("GET", "/api/reports/weekly", ("weeks_ago", "format"))


class ReportsGroup(Group):
    """Figures over time."""

    def drill_ended(self, **said: Unpack[ReportsDrillEndedSaid]) -> ReportsDrillEndedAnswer:
        """Write into the audit trail how a drill ended."""
        return cast("ReportsDrillEndedAnswer", self._connection.json(_DRILL_ENDED, {}, said))

    def d30(self, **said: Unpack[ReportsD30Said]) -> ReportsD30Answer:
        """Recommend continue, upgrade or change_owner from real incidents."""
        return cast("ReportsD30Answer", self._connection.json(_D30, {}, said))

    def indicators(self, **said: Unpack[ReportsIndicatorsSaid]) -> ReportsIndicatorsAnswer:
        """Give the seven indicators and the project advancement score."""
        return cast("ReportsIndicatorsAnswer", self._connection.json(_INDICATORS, {}, said))

    def maturity(self, **said: Unpack[ReportsMaturitySaid]) -> ReportsMaturityAnswer:
        """Give the level of maturity from 1 to 5, with what each level asks for."""
        return cast("ReportsMaturityAnswer", self._connection.json(_MATURITY, {}, said))

    def metrics(self, **said: Unpack[ReportsMetricsSaid]) -> ReportsMetricsAnswer:
        """Give the metrics table."""
        return cast("ReportsMetricsAnswer", self._connection.json(_METRICS, {}, said))

    def readiness(self, **said: Unpack[ReportsReadinessSaid]) -> ReportsReadinessAnswer:
        """Give the readiness document of the host guard's loop."""
        return cast("ReportsReadinessAnswer", self._connection.json(_READINESS, {}, said))

    def scores(self, **said: Unpack[ReportsScoresSaid]) -> ReportsScoresAnswer:
        """Give the health score of each worker, role and persona, with its parts."""
        return cast("ReportsScoresAnswer", self._connection.json(_SCORES, {}, said))

    def slos(self, **said: Unpack[ReportsSlosSaid]) -> ReportsSlosAnswer:
        """Give each pool against its objective."""
        return cast("ReportsSlosAnswer", self._connection.json(_SLOS, {}, said))

    def stages(self, **said: Unpack[ReportsStagesSaid]) -> ReportsStagesAnswer:
        """Judge each item of the path of 30 days."""
        return cast("ReportsStagesAnswer", self._connection.json(_STAGES, {}, said))

    def weekly(self, **said: Unpack[ReportsWeeklySaid]) -> ReportsWeeklyAnswer:
        """Sum up seven days."""
        return cast("ReportsWeeklyAnswer", self._connection.json(_WEEKLY, {}, said))
