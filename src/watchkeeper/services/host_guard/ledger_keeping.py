"""The server's word for the exporter, in a file on the same machine: of each session that it saw, whether it lives."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.domain.host_guard.ledger import Ledger, Spawned, Standing
from watchkeeper.domain.host_guard.seen import Attempt, Key
from watchkeeper.host.processes import ProcReader
from watchkeeper.host.textfile import replace_file
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.export import LEDGER, attempts_asked
from watchkeeper.storage.database import Database, Row

EVERY_SECONDS = 30.0
SPAWNED_DAYS, MOST_SPAWNED = 7, 2000
MOST_ASKED = 5000


class LedgerKeeping:
    """Answers what the last scan of this machine asked, in `state` (a directory, made where it is missing)."""

    def __init__(self, database: Database, state: Path) -> None:
        self._database = database
        self._state = state

    def duty(self) -> Duty:
        return Duty("host_ledger", self.run_once, EVERY_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Write the ledger once; raises NotWritten."""
        asked = await asyncio.to_thread(attempts_asked, self._state)
        ledger = await self.ledger(asked[:MOST_ASKED])
        await asyncio.to_thread(self._write, ledger)
        return Ran({"attempts": len(ledger.attempts)})

    async def ledger(self, asked: Iterable[Attempt]) -> Ledger:
        """Say of attempts whether they live, and name the processes that sessions of this boot began with."""
        boot_id = ProcReader().boot_id
        limits = {"days": SPAWNED_DAYS, "limit": MOST_SPAWNED}
        rows = await self._database.fetch("spawned_on_boot", {"boot_id": boot_id, **limits})
        spawned = {
            Spawned(boot_id, row["pid_ns"], Key(row["pid"], row["start_ticks"])): _attempt(row)
            for row in rows
        }
        wanted = sorted({*asked, *spawned.values()})
        standing = await self._database.fetch(
            "attempts_standing",
            {
                "projects": [one.project for one in wanted],
                "jobs": [one.job for one in wanted],
                "numbers": [one.number for one in wanted],
            },
        )
        now = time.time()
        alerts = {row["lane"]: row["firing"] for row in await self._database.fetch("firing_by_lane")}
        authorized = await self._database.fetch_row("remediations_authorized")
        known = {_attempt(row): _standing(row, now) for row in standing}
        return Ledger(now, known, spawned, alerts, authorized["authorized"])

    def _write(self, ledger: Ledger) -> None:
        self._state.mkdir(mode=0o755, parents=True, exist_ok=True)
        replace_file(self._state / LEDGER, json.dumps(ledger.to_json()))


def _attempt(row: Row) -> Attempt:
    return Attempt(row["project"], row["job"], row["number"])


def _standing(row: Row, now: float) -> Standing:
    """Give the end by this machine's clock, as scans have it; the database's may differ."""
    ended_at = None if row["is_live"] or row["ended_ago"] is None else now - row["ended_ago"]
    return Standing(row["is_live"], ended_at)
