"""Tells people of a pool that spends what may fail too fast: daily while a page fires, weekly for a ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.names import Severity
from watchkeeper.domain.slo import HOUR, Burning, Urgency
from watchkeeper.services.alerting import Notice, announce
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.slos import read_slos
from watchkeeper.storage.database import Database

LOOK_SECONDS = 60.0

SEVERITIES = {Urgency.PAGE: Severity.HIGH, Urgency.TICKET: Severity.MEDIUM}
SPEEDS = {Urgency.PAGE: "fast", Urgency.TICKET: "slowly"}
AGAIN = {Urgency.PAGE: "%Y-%m-%d", Urgency.TICKET: "%G-W%V"}
"""What a notice's key ends with, so that the same one is told anew when a burn outlasts it."""


class SloAlerts:
    """The duty that tells; whoever comes first tells, on however many machines it runs."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy]) -> None:
        self._database = database
        self._redactor = redactor
        self._policy = policy

    def duty(self) -> Duty:
        return Duty("slo_alerts", self.run_once, LOOK_SECONDS)

    async def run_once(self) -> Ran:
        """Judge every project of which something failed in the shortest time that a slow burn is known by."""
        told = 0
        for row in await self._database.fetch("projects_that_fail"):
            async with self._database.transaction() as connection:
                found = await read_slos(connection, [row["project_id"]], self._policy())
                if found.is_stale:
                    continue
                for slo in found.slos:
                    if (burning := _gravest(slo.windows)) is not None:
                        notice = _notice(row["project_id"], slo.pool, burning, found.now)
                        told += bool(await announce(connection, notice, self._redactor))
        return Ran({"told": told})


def _gravest(windows: tuple[Burning, ...]) -> Burning | None:
    fired = [burning for burning in windows if burning.fires]
    return min(fired, key=lambda burning: list(SEVERITIES).index(burning.window.urgency), default=None)


def _notice(project_id: str, pool: str, burning: Burning, now: datetime) -> Notice:
    urgency, long = burning.window.urgency, burning.long
    return Notice(
        project_id,
        f"slo:{pool}:{urgency}:{now:{AGAIN[urgency]}}",
        f"The pool {pool} spends {SPEEDS[urgency]} what may fail of it: {long.bad} of {long.n} attempts failed within "
        f"{burning.window.long_seconds // HOUR} h, and it goes on. 'watchkeeper report slos' says what is left.",
        severity=SEVERITIES[urgency],
        subject=f"pool {pool}",
    )
