"""The parts of a debug bundle: the machine, the settings, the logs, and what the database says, if it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.services.checks import Check
from watchkeeper.services.debug_bundle import DebugBundle
from watchkeeper.services.diagnosis import Diagnosis
from watchkeeper.services.insights import Insights
from watchkeeper.services.known_secrets import database_place
from watchkeeper.services.machine_facts import machine_facts
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database
from watchkeeper.storage.migrate import applied_version, known_migrations

AUDIT_ROWS = 500
PROJECTS = 20

QUERIES = {
    "server": "server_facts",
    "migrations": "applied_migrations",
    "tables": "table_sizes",
    "activity": "activity",
    "switches": "switch_facts",
    "leases": "lease_ages",
}
"""Members below `database/`, and the query that each one shows."""


async def add_machine(bundle: DebugBundle, settings: Settings, exposure: Callable[[], list[Check]]) -> None:
    """Add what this machine knows by itself, but its logs."""
    await bundle.add("machine.json", lambda: asyncio.to_thread(machine_facts, settings.home))
    bundle.add_data("settings.json", shown_settings(settings))

    async def exposed() -> list[Any]:
        return [check.to_json() for check in await asyncio.to_thread(exposure)]

    await bundle.add("doctor-secrets.json", exposed)


async def add_logs(bundle: DebugBundle, settings: Settings, log_lines: int) -> None:
    """Add the ends of the logs: last, for they are what a bound may cut."""
    logs = sorted((settings.home / "logs").glob("*.log"))
    if not logs:
        bundle.lacks("logs", f"{settings.home / 'logs'} holds none; under systemd, journalctl has them")
    for path in logs:
        await asyncio.to_thread(bundle.add_log, f"logs/{path.name}", path, log_lines)
    if (place := database_place(settings.home)) is not None:
        server = place / "log" / "server.log"
        await asyncio.to_thread(bundle.add_log, "logs/postgresql.log", server, log_lines)


async def add_database(
    bundle: DebugBundle, database: Database, diagnosis: Diagnosis, insights: Insights
) -> None:
    """Add what the database says; a part that fails is noted as missing."""
    try:
        await database.ping()
    except WatchkeeperError as error:
        bundle.lacks("database", error.message)
        return

    async def doctor() -> list[Any]:
        return [check.to_json() for check in await diagnosis.system()]

    async def schema() -> dict[str, Any]:
        return {"schema": await applied_version(database), "newest_known": known_migrations()[-1].version}

    await bundle.add("doctor.json", doctor)
    await bundle.add("database/schema.json", schema)
    for name, query in QUERIES.items():
        await bundle.add(f"database/{name}.json", _rows(database, query))
    await bundle.add("database/audit.json", _rows(database, "latest_audit", limit=AUDIT_ROWS))

    async def queues() -> dict[str, Any]:
        projects, _ = await insights.projects(None, limit=PROJECTS)
        return {row["project_id"]: await insights.queue_health(row["project_id"]) for row in projects}

    await bundle.add("queue-health.json", queues)


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Give the settings as people may see them."""
    told = {one.name: settings.shown(one.name) for one in fields(settings)}
    return {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}


def _rows(database: Database, query: str, **arguments: Any) -> Callable[[], Awaitable[list[Any]]]:
    return lambda: database.fetch(query, arguments)
