"""The operator's diagnosis: how an installation's durability, watch and room to write look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watchkeeper.services.artifact_store import ArtifactStore
from watchkeeper.services.checks import Check
from watchkeeper.services.policy_holders import policy_holders, told_of
from watchkeeper.services.standstill import standing_still
from watchkeeper.storage.database import Database, Row
from watchkeeper.storage.migrate import applied_version, known_migrations

LATE_SEAL_SECONDS = 60.0
"""Audit rows are sealed within a second or two; so late, nobody seals or a transaction stays open."""


class Diagnosis:
    """Looks at one installation; changes nothing."""

    def __init__(self, database: Database, store: ArtifactStore, gap_seconds: float) -> None:
        """Take for unwatched what no reaper has looked at for `gap_seconds`."""
        self._database = database
        self._reaper = {"gap_seconds": gap_seconds}
        self._store = store
        self._more: Callable[[], list[Check]] = list

    def look_further(self, more: Callable[[], list[Check]]) -> None:
        """Add checks that a process of its own kind can make: `serve` looks at this machine. They may block."""
        self._more = more

    async def database(self) -> Check:
        """Say that the database answers, and how fast; raise DatabaseUnavailable where it does not."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        await self._database.ping()
        return Check("database", ok=True, detail=f"it answered in {(clock() - begin) * 1000:.1f} ms")

    async def schema(self) -> Check:
        """Say whether the schema is the one that this program knows; raise SettingError for a newer one."""
        version, newest = await applied_version(self._database), known_migrations()[-1].version
        detail = (
            f"version {version}" if version == newest else f"version {version}, this program needs {newest}"
        )
        return Check("schema", ok=version == newest, detail=detail)

    async def system(self) -> list[Check]:
        """Give every check of the installation."""
        (facts,) = await self._database.fetch("system_facts")
        (reaper,) = await self._database.fetch("reaper_facts", self._reaper)
        return [
            await self.database(),
            await self.schema(),
            Check("fsync", facts["fsync"] == "on", f"fsync is {facts['fsync']}"),
            Check(
                "synchronous_commit",
                facts["synchronous_commit"] != "off",
                f"synchronous_commit is {facts['synchronous_commit']}",
            ),
            _replicas(facts),
            _reaper(reaper),
            _still(await self._database.fetch_one("standstill")),
            _sealing(await self._database.fetch_row("audit_lag")),
            _switch(facts, "claims"),
            _switch(facts, "actions"),
            _policy(await policy_holders(self._database)),
            await asyncio.to_thread(self._artifact_store),
            *await asyncio.to_thread(self._more),
        ]

    def _artifact_store(self) -> Check:
        trouble = self._store.trouble()
        detail = f"artifacts are kept in {self._store.place}"
        return Check("artifact_store", trouble is None, detail if trouble is None else f"{detail}; {trouble}")


def _replicas(facts: Row) -> Check:
    if not facts["replicas"]:
        detail = "no replica is connected: what is accepted is as safe as this server's disk"
        return Check("replicas", ok=True, detail=detail)
    total, synchronous = facts["replicas"], facts["synchronous_replicas"]
    detail = f"{synchronous} of {total} replicas are synchronous"
    if not synchronous:
        detail += ": a failover may lose jobs that were accepted a moment before"
    return Check("replicas", ok=bool(synchronous), detail=detail)


def _reaper(reaper: Row) -> Check:
    if reaper["last_tick_at"] is None:
        return Check("reaper", ok=False, detail="it has never run; start 'watchkeeper watch'")
    return Check("reaper", ok=reaper["ok"], detail=f"it last ran at {reaper['last_tick_at'].isoformat()}")


def _sealing(lag: Row) -> Check:
    behind = f"{lag['unsealed_rows']:,} rows are not sealed yet, the oldest for {lag['lag_seconds']:.1f} s"
    detail = behind if lag["unsealed_rows"] else f"sealed to the end, by {lag['number'] or 0} seals"
    if lag["inserted"]:
        detail += "; a row was inserted past the product: run 'watchkeeper audit verify'"
    return Check("audit_seals", not lag["inserted"] and lag["lag_seconds"] <= LATE_SEAL_SECONDS, detail)


def _still(restore: Row | None) -> Check:
    if restore is None:
        return Check("standstill", ok=True, detail="no restore waits to be resumed")
    return Check("standstill", ok=False, detail=standing_still(restore))


def _policy(holders: list[Row]) -> Check:
    ok, detail = told_of(holders)
    return Check("policy", ok=ok, detail=detail)


def _switch(facts: Row, name: str) -> Check:
    is_on = facts[f"{name}_on"]
    reason = facts[f"{name}_reason"]
    return Check(name, ok=is_on, detail="on" if is_on else f"off: {reason or 'no reason was given'}")
