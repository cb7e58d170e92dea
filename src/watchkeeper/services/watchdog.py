"""The watchdog's duty: facts, rules, incidents. It wakes at the next moment at which a rule could fire.

One watchdog at a time judges, whoever has the row of the watch locked; the others look in again a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.judging import Judged, judge
from watchkeeper.domain.rules.leases import LEASE_RULES
from watchkeeper.domain.rules.queues import QUEUE_RULES
from watchkeeper.services import watchdog_facts
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.watchdog_facts import Tick, Watch
from watchkeeper.storage.database import Connection, Database

SOON_SECONDS = 0.01
"""A rule fires after its moment, and clocks count in steps."""


@dataclass(frozen=True, slots=True)
class WatchdogConfig:
    """`tick_seconds` bounds how late a new fact is seen, `sweep_seconds` how late one that no deadline foretold.

    Ticks further apart than `gap_seconds`, or than half of the shortest lease but no less than `least_gap_seconds`,
    mean that nobody watched, as for the reaper.
    """

    tick_seconds: float = 0.5
    sweep_seconds: float = 15.0
    gap_seconds: float = 15.0
    least_gap_seconds: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.tick_seconds <= 1.0:
            raise SettingError("tick_seconds is more than 0 and at most 1")
        if not 3 * self.tick_seconds <= self.least_gap_seconds <= self.gap_seconds or self.sweep_seconds <= 0:
            raise SettingError("a gap is at least three ticks, and sweep_seconds more than 0")


class Watchdog:
    """Finds what is stuck. It changes no job: incidents are rows, and others act on them."""

    def __init__(
        self,
        database: Database,
        incidents: Incidents,
        policy: Callable[[], Policy] = Policy,
        config: WatchdogConfig | None = None,
    ) -> None:
        self._database = database
        self._incidents = incidents
        self._policy = policy
        self._config = config or WatchdogConfig()

    def duty(self) -> Duty:
        return Duty("watchdog", self.run_once, self._config.tick_seconds)

    async def run_once(self) -> Ran:
        """Look once: record what fires, and ask to look again when the next rule could."""
        policy = self._policy()
        clock = asyncio.get_running_loop().time
        async with self._database.transaction() as connection:
            tick = await watchdog_facts.tick(connection, self._watch(policy))
            if tick is None:
                return Ran({})
            begin = clock()
            findings, next_at = await self._look(connection, tick, policy)
            recorded = await self._incidents.record(connection, findings, policy) if findings else []
        opened = sum(each.opened for each in recorded)
        return Ran({"incidents_opened": opened}, self._pause(tick.now, next_at, clock() - begin))

    def _watch(self, policy: Policy) -> Watch:
        config = self._config
        return Watch(
            config.gap_seconds,
            config.least_gap_seconds,
            config.sweep_seconds,
            policy.heartbeat_interval_seconds,
        )

    async def _look(
        self, connection: Connection, tick: Tick, policy: Policy
    ) -> tuple[list[Finding], datetime | None]:
        limits = policy.thresholds
        leases, lease_at = await watchdog_facts.leases(connection, tick, limits)
        queues = await watchdog_facts.queues(connection, tick, policy.heartbeat_interval_seconds)
        judged: list[Judged] = [
            judge(LEASE_RULES, leases, limits, tick.now),
            judge(QUEUE_RULES, queues, limits, tick.now),
        ]
        ahead = [at for at in (lease_at, *(each.next_at for each in judged)) if at is not None]
        return [finding for each in judged for finding in each.findings], min(ahead, default=None)

    def _pause(self, now: datetime, next_at: datetime | None, spent: float) -> float:
        if next_at is None:
            return self._config.tick_seconds
        ahead = (next_at - now) / timedelta(seconds=1) - spent
        return min(max(ahead, 0.0) + SOON_SECONDS, self._config.tick_seconds)
