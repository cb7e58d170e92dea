"""What Prometheus is told: queues, leases, incidents, repairs, sessions, objectives, and whether watch and seal tick.

Labels come from closed lists and from the names of kinds and projects. What is not known is absent, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from watchkeeper.domain.exposition import Metric, exposition
from watchkeeper.domain.slo import DAY, HOUR, MINUTE
from watchkeeper.services.audit_reading import AuditReading
from watchkeeper.services.insights import Insights
from watchkeeper.services.kept_reports import KeptReports
from watchkeeper.services.slos import Slos
from watchkeeper.storage.database import Database, Row

PREFIX = "watchkeeper"
MOST_PROJECTS = 50
"""One answer tells of so many projects at most; a token of one project always gets its own."""

Label = tuple[str, str]
QUEUE_STATES = ("ready", "scheduled", "running", "stuck", "paused")

HELP = {
    "queue_jobs": "Jobs by kind and state; those that wait are counted up to a bound.",
    "queue_oldest_ready_age_seconds": "For how long the oldest claimable job of a kind has waited.",
    "queue_eligible_workers": "Workers that may take jobs of a kind.",
    "leases": "Live leases by how near their end they are.",
    "slots": "Slots of the workers that are there.",
    "slots_taken": "Slots that hold a lease.",
    "ended_jobs_last_hour": "Jobs that ended within an hour, by how.",
    "incidents_open": "Incidents that are not resolved, by rule.",
    "repairs_last_day": "Repairs of the last day, by action and state.",
    "gate_failed_checks_last_day": "Failed checks of the gate within a day, by name.",
    "sessions_live": "Agent sessions that are under way, by state.",
    "session_tokens_last_day": "Tokens that the sessions begun within a day have used.",
    "session_cost_last_day": "What the sessions begun within a day have cost, in the currency of their agent.",
    "slo_target": "Share of a pool's attempts that is to complete.",
    "slo_budget_left": "Share of what may fail within a pool's period that is not spent; below 0 where more failed.",
    "slo_burn_rate": "How many times faster than evenly a pool spends what may fail, by window.",
    "slo_failures": "Attempts of a pool that failed, by window.",
    "slo_burn_limit": "From which burn rate of a long window on a pool burns, where attempts are enough for a share.",
    "slo_failures_limit": "From how many failures of a long window on a pool burns, where attempts are few.",
    "indicator": "The seven indicators: shares, counts and an age in seconds.",
    "indicator_samples": "How many observations an indicator rests on.",
    "watchdog_ok": "1 while the watchdog and a reaper tick and see.",
    "watchdog_lag_seconds": "How long ago the watchdog last looked.",
    "audit_seal_lag_seconds": "How old the oldest row of the audit trail is that no seal covers yet; 0 where none is.",
    "audit_unsealed_rows": "Rows of the audit trail that no seal covers yet, counted up to a bound.",
    "projects_left_out": "Projects that this answer does not tell of.",
}
"""Every metric, with its help; docs/reference/metrics.md is held to it."""


@dataclass(slots=True)
class Gathered:
    """Values by metric and labels, in the order in which they came."""

    found: dict[str, dict[tuple[Label, ...], float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None, *labels: Label) -> None:
        """Take a value in; None is not known, and left out."""
        if value is not None:
            self.found.setdefault(name, {})[labels] = float(value)

    def rows(self, name: str, rows: Iterable[Row], project: Label, *columns: str, value: str = "n") -> None:
        for row in rows:
            self.add(name, row[value], project, *((column, str(row[column])) for column in columns))

    def text(self) -> str:
        return exposition(PREFIX, [Metric(name, HELP[name], values) for name, values in self.found.items()])


class Metrics:
    """Gathers the metrics. Indicators are those that are kept, a minute old at most while somebody scrapes."""

    def __init__(
        self,
        database: Database,
        insights: Insights,
        indicators: KeptReports,
        audit: AuditReading,
        slos: Slos,
    ) -> None:
        self._database = database
        self._insights = insights
        self._indicators = indicators
        self._audit = audit
        self._slos = slos

    async def text(self, project_id: str | None) -> str:
        """Give the metrics of a project; with None of all projects, and of the installation."""
        gathered = Gathered()
        await self._watch(gathered)
        if project_id is None:
            lag = await self._audit.lag()
            gathered.add("audit_unsealed_rows", lag["unsealed_rows"])
            gathered.add("audit_seal_lag_seconds", lag["lag_seconds"])
        for name in await self._projects(project_id, gathered):
            await self._project(name, gathered)
        return gathered.text()

    async def _projects(self, project_id: str | None, gathered: Gathered) -> Sequence[str]:
        if project_id is not None:
            return [project_id]
        rows, following = await self._insights.projects(None, limit=MOST_PROJECTS)
        gathered.add("projects_left_out", int(following is not None))
        return [row["project_id"] for row in rows]

    async def _watch(self, gathered: Gathered) -> None:
        watch = await self._insights.watch()
        gathered.add("watchdog_ok", watch["ok"])
        if watch["last_tick_at"] is not None:
            gathered.add("watchdog_lag_seconds", (watch["now"] - watch["last_tick_at"]).total_seconds())

    async def _project(self, name: str, gathered: Gathered) -> None:
        project, where = ("project", name), {"project_id": name}
        for queue in (await self._insights.queue_health(name))["queues"]:
            kind = ("kind", str(queue["kind"]))
            for state in QUEUE_STATES:
                gathered.add("queue_jobs", queue[state], project, kind, ("state", state))
            gathered.add("queue_oldest_ready_age_seconds", queue["oldest_ready_age_s"], project, kind)
            gathered.add("queue_eligible_workers", queue["eligible_workers"], project, kind)
        fetch = self._database.fetch
        gathered.rows("leases", await fetch("metric_leases", where), project, "risk")
        gathered.rows("ended_jobs_last_hour", await fetch("metric_ends", where), project, "state")
        gathered.rows("incidents_open", await fetch("metric_incidents", where), project, "rule", "severity")
        gathered.rows("repairs_last_day", await fetch("metric_repairs", where), project, "action", "state")
        gathered.rows("gate_failed_checks_last_day", await fetch("metric_gate", where), project, "name")
        gathered.rows("sessions_live", await fetch("metric_sessions", where), project, "agent", "state")
        spent = await fetch("metric_spent", where)
        gathered.rows("session_tokens_last_day", spent, project, "agent", value="tokens")
        gathered.rows("session_cost_last_day", spent, project, "agent", value="cost")
        [slots] = await fetch("metric_slots", where)
        gathered.add("slots", slots["slots"], project)
        gathered.add("slots_taken", slots["taken"], project)
        await self._objectives(name, gathered)
        kept = await self._indicators.get(name)
        for indicator, told in (kept["indicators"] if kept is not None else {}).items():
            gathered.add("indicator", told["value"], project, ("name", indicator))
            gathered.add("indicator_samples", told["n"], project, ("name", indicator))

    async def _objectives(self, name: str, gathered: Gathered) -> None:
        """Tell how fast pools spend what may fail; while the counting stands still, that is not known."""
        report = await self._slos.report(name)
        if report["is_stale"]:
            return
        for slo in report["pools"]:
            pool = (("project", name), ("pool", slo["pool"]))
            gathered.add("slo_target", slo["target"], *pool)
            gathered.add("slo_budget_left", slo["budget_left"], *pool)
            for pair in slo["windows"]:
                long, short = ("window", _window(pair["long_s"])), ("window", _window(pair["short_s"]))
                gathered.add("slo_burn_rate", pair["long_burn"], *pool, long)
                gathered.add("slo_burn_rate", pair["short_burn"], *pool, short)
                gathered.add("slo_failures", pair["failed"], *pool, long)
                gathered.add("slo_failures", pair["short_failed"], *pool, short)
                is_counted = pair["by"] == "count"
                gathered.add(
                    "slo_failures_limit" if is_counted else "slo_burn_limit",
                    pair["limit"] if is_counted else pair["threshold"],
                    *pool,
                    long,
                )


def _window(seconds: int) -> str:
    """Name a window as Prometheus does."""
    for unit, length in (("d", DAY), ("h", HOUR)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds // MINUTE}m"
