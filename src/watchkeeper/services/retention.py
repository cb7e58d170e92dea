"""How long each table keeps its rows, and the duty that lets the others go.

`RETENTION` says it for every table; docs/reference/retention.md and the schema itself are held to it. Rows go in
bounded batches that take what nobody else holds (SKIP LOCKED), on as many machines as run the duty. The audit trail is
not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import SettingError
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.slos import KEPT_DAYS
from watchkeeper.storage.database import Database

REPORT_DAYS = 30
"""An incident keeps what its job said until its D30 report can be written."""

PAUSE_SECONDS = 0.05
"""Between two batches, so that a large backlog leaves the disk to others."""


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """Days that ended jobs, the output of commands, and heartbeats and session events are kept."""

    job_days: float = 90.0
    output_days: float = 35.0
    event_days: float = 14.0
    batch: int = 500
    interval_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("job_days", "output_days", "event_days"):
            if getattr(self, name) <= 0:
                raise SettingError(f"{name} is {getattr(self, name):g}; it is more than 0")
        if self.batch < 1:
            raise SettingError("batch is at least 1")


@dataclass(frozen=True, slots=True)
class Kept:
    """How long rows of a table stay.

    `days` is a number, or the field of RetentionConfig that has it, and `since` from when they count; `query` names
    what deletes. `until` says it in words where no age decides; `unless` is what keeps a row longer.
    """

    table: str
    until: str = ""
    days: float | str | None = None
    since: str = ""
    query: str = ""
    unless: str = ""

    def age(self, config: RetentionConfig) -> float:
        """Give the days after which a row goes. For rules with `days` alone."""
        return float(getattr(config, self.days) if isinstance(self.days, str) else self.days or 0)


def _aged(table: str, days: float | str, since: str, *, what: str = "", unless: str = "") -> Kept:
    return Kept(table, days=days, since=since, query=f"forget_{what or table}", unless=unless)


FOR_EVER = "for ever"
WITH_JOB = "with its job"
IN_STATE = "while its job is in that state"
OPEN_INCIDENT = f"its job has an incident that is unresolved or younger than {REPORT_DAYS} days"

RETENTION = (
    Kept("projects", "until the project is removed"),
    Kept("job_kinds", "until the project is removed"),
    Kept("schedules", "until it or the project is removed"),
    Kept("ready_jobs", IN_STATE),
    Kept("scheduled_jobs", IN_STATE),
    Kept("leases", IN_STATE),
    Kept("held_jobs", IN_STATE),
    Kept("mirrored_jobs", IN_STATE),
    Kept("foreign_leases", WITH_JOB),
    _aged("foreign_queues", "job_days", "it was last reported"),
    Kept("unique_keys", "until its job ends"),
    Kept(
        "job_specs",
        days="job_days",
        since="the job's end",
        unless="an incident (as below), an undecided reconcile item or proposal, a repair that is not over, or a retry "
        "that has not ended names it",
    ),
    Kept("job_outcomes", WITH_JOB),
    Kept("closed_attempts", WITH_JOB),
    _aged("outcome_counts", 2, "the ten minutes that it counts"),
    Kept("outcome_counting", FOR_EVER),
    Kept("artifacts", f"{WITH_JOB}; its bytes go by the sweep of the artifact store"),
    Kept("artifact_checks", FOR_EVER),
    _aged("reconcile_items", "job_days", "its decision", unless="it is undecided"),
    _aged("agent_sessions", "job_days", "its last event", unless="its job is there"),
    _aged("session_events", "event_days", "it was seen"),
    _aged("worker_heartbeats", "event_days", "it was made"),
    _aged("worker_runs", "output_days", "its start", unless=OPEN_INCIDENT),
    _aged("helper_events", "output_days", "it was made", unless=OPEN_INCIDENT),
    _aged("workers", "job_days", "it was gone", unless="it is stopped, or holds a lease"),
    _aged("sleepers", 10 / 1440, "it fell asleep"),
    _aged("pool_parks", 1, "it ended"),
    _aged("idempotency_records", 2, "it was made"),
    _aged("tokens", "job_days", "it ran out or was revoked"),
    _aged("tokens", 2, "a job token's last use", what="job_tokens", unless="its lease lives"),
    _aged("login_codes", 1, "it ran out"),
    _aged("console_sessions", 1, "it ran out"),
    _aged("signals", "job_days", "it was received", unless="its job is there"),
    _aged(
        "alerts",
        "output_days",
        "it was sent or dropped",
        unless=f"it waits, or its incident is unresolved or younger than {REPORT_DAYS} days",
    ),
    Kept("alert_channels", "until the project is removed"),
    Kept("channel_secrets", "until the project is removed"),
    Kept("chat_doors", "until it is closed, or the project is removed"),
    Kept("chat_door_secrets", "with its door"),
    Kept("chat_places", "with its door"),
    _aged("chat_events", "event_days", "it was handled", unless="it waits"),
    _aged("chat_codes", 1, "it ran out"),
    Kept("chat_links", "until it is ended, or its door is closed"),
    _aged("chat_buttons", "event_days", "it ran out"),
    Kept("watchdog_incidents", FOR_EVER),
    _aged(
        "host_alerts",
        "output_days",
        "it was last received",
        unless=f"its incident is unresolved or younger than {REPORT_DAYS} days",
    ),
    _aged("host_alert_groups", "output_days", "it was last heard of"),
    Kept("host_incidents", FOR_EVER),
    _aged("host_packets", "output_days", "it was made", unless="it belongs to an incident"),
    _aged("host_readings", "output_days", "its last scan"),
    Kept("repair_actions", FOR_EVER),
    Kept("approvals", FOR_EVER),
    Kept("host_remediations", FOR_EVER),
    Kept("host_post_checks", FOR_EVER),
    Kept("host_assets", FOR_EVER),
    Kept("repair_breakers", "until the project is removed"),
    Kept("proposals", FOR_EVER),
    Kept("maintenance_windows", FOR_EVER),
    Kept("bulk_acts", "until the project is removed"),
    Kept("people_syncs", FOR_EVER),
    Kept("lessons", FOR_EVER),
    _aged("lesson_uses", "job_days", "it was handed out"),
    Kept("principals", "until its project is removed; those of no project for ever"),
    Kept("audit_events", f"{FOR_EVER}; `audit archive` moves whole months into files"),
    Kept("audit_seals", FOR_EVER),
    Kept("audit_checkpoints", FOR_EVER),
    Kept("restores", FOR_EVER),
    Kept("policies", FOR_EVER),
    _aged("policy_holders", 7, "its process was last heard of"),
    Kept("switches", FOR_EVER),
    Kept("reaper_state", FOR_EVER),
    Kept("watchdog_state", FOR_EVER),
    Kept("watchdog_queues", "while the kind's next job waits without a reason"),
    Kept("watchdog_inbox", "until a watchdog has judged it"),
    Kept("saved_views", "until it or the project is removed"),
    _aged("share_links", "job_days", "it ran out"),
    Kept("badge_keys", "until the project is removed"),
    _aged("slo_counts", KEPT_DAYS, "its five minutes"),
    Kept("slo_state", FOR_EVER),
    Kept("schema_migrations", FOR_EVER),
)


class Retention:
    """Deletes what has outlived its retention, a batch of each at a time."""

    def __init__(self, database: Database, config: Callable[[], RetentionConfig] = RetentionConfig) -> None:
        """Ask `config` anew with each batch: a new document may say otherwise."""
        self._database = database
        self._config = config
        self._after: dict[str, int] = {}

    def duty(self) -> Duty:
        return Duty("retention", self.run_once, self._config().interval_seconds)

    async def run_once(self) -> Ran:
        """Delete one batch of each; ask to go on soon where there may be more."""
        counts, more, config = {}, False, self._config()
        for kept in RETENTION:
            if kept.query:
                gone = (await self._forget(kept.query, days=kept.age(config)))["gone"]
                counts[kept.query.removeprefix("forget_")] = gone
                more |= gone >= config.batch
        counts["jobs"], more_jobs = await self._forget_jobs()
        return Ran(counts, PAUSE_SECONDS if more or more_jobs else None)

    async def _forget_jobs(self) -> tuple[int, bool]:
        """Go one page on through each project's jobs, oldest first; a page that ends with young ones is the last."""
        total = 0
        for project in await self._database.fetch("list_projects", {"project_id": None}):
            name = project["project_id"]
            found = await self._forget(
                "forget_jobs", days=self._config().job_days, project_id=name, after=self._after.get(name, 0)
            )
            total += found["gone"]
            if found["is_last"]:
                self._after.pop(name, None)
            else:
                self._after[name] = found["last"]
        return total, bool(self._after)

    async def _forget(self, query: str, **arguments: Any) -> dict[str, Any]:
        bounds = {"limit": self._config().batch, "report_days": REPORT_DAYS}
        return await self._database.fetch_row(query, {**bounds, **arguments})
