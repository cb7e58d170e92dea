"""The watchdog's duty: facts, rules, incidents. It wakes at the next moment at which a rule could fire.

One watchdog at a time judges, whoever has the row of the watch locked; the others look in again a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchkeeper.domain.errors import DatabaseUnavailable, SettingError
from watchkeeper.domain.facts import AgentSessionFact, LeaseFact
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.domain.rules.judging import judge
from watchkeeper.domain.rules.leases import LEASE_RULES
from watchkeeper.domain.rules.queues import QUEUE_RULES
from watchkeeper.domain.rules.sessions import UNHEARD_RULES
from watchkeeper.domain.rules.sight import GOOD_TICKS, SIGHT_RULES
from watchkeeper.services import watchdog_facts
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.incident_record import Recorded
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.watchdog_closing import Closing
from watchkeeper.services.watchdog_edges import read_inbox
from watchkeeper.services.watchdog_facts import Tick, Watch
from watchkeeper.storage.database import Connection, Database

SOON_SECONDS = 0.01
"""A rule fires after its moment, and clocks count in steps."""


@dataclass(frozen=True, slots=True)
class WatchdogConfig:
    """`tick_seconds` bounds how late a new fact is seen, `close_seconds` how late the end of an incident is.

    Ticks further apart than `gap_seconds`, or than half of the shortest lease but no less than `least_gap_seconds`,
    mean that nobody watched, as for the reaper.
    """

    tick_seconds: float = 0.5
    close_seconds: float = 5.0
    gap_seconds: float = 15.0
    least_gap_seconds: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.tick_seconds <= 1.0:
            raise SettingError("tick_seconds is more than 0 and at most 1")
        if not 3 * self.tick_seconds <= self.least_gap_seconds <= self.gap_seconds or self.close_seconds < 0:
            raise SettingError("a gap is at least three ticks, and close_seconds not less than 0")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to. `is_full`: the inbox may hold more."""

    recorded: list[Recorded]
    next_at: datetime | None = None
    is_full: bool = False
    is_blind: bool = False


class Watchdog:
    """Finds what is stuck, and says when it is over. It changes no job: incidents are rows, and others act on them."""

    def __init__(
        self,
        database: Database,
        incidents: Incidents,
        policy: Callable[[], Policy] = Policy,
        config: WatchdogConfig | None = None,
    ) -> None:
        self._database = database
        self._incidents = incidents
        self._closing = Closing(database, incidents)
        self._policy = policy
        self._config = config or WatchdogConfig()
        self._own_time = OwnTime()
        self._leases = LeaseLooks()
        self._close_at = 0.0

    def duty(self) -> Duty:
        return Duty("watchdog", self.run_once, self._config.tick_seconds)

    async def run_once(self) -> Ran:
        """Look once: record what fires, close what is over, and ask to look again when the next rule could fire."""
        policy = self._policy()
        clock = asyncio.get_running_loop().time
        try:
            async with self._database.transaction() as connection:
                tick = await watchdog_facts.tick(connection, self._watch(policy))
                if tick is None:
                    return Ran({})
                begin = clock()
                looked = await self._look(connection, tick, policy, begin)
        except DatabaseUnavailable:
            self._own_time.lost()
            raise
        closed = 0
        if not looked.is_blind and begin >= self._close_at:
            self._close_at = begin + self._config.close_seconds
            closed = await self._closing.run_once(policy)
        counts = {
            "incidents_opened": sum(each.opened for each in looked.recorded),
            "incidents_closed": closed,
        }
        return Ran(counts, 0.0 if looked.is_full else self._pause(tick.now, looked.next_at, clock() - begin))

    def _watch(self, policy: Policy) -> Watch:
        config = self._config
        return Watch(config.gap_seconds, config.least_gap_seconds, policy.thresholds.sweep_seconds)

    async def _look(self, connection: Connection, tick: Tick, policy: Policy, clock: float) -> Looked:
        limits = policy.thresholds
        missed = self._own_time.missed_seconds(tick, clock)
        own = judge(SIGHT_RULES, [await watchdog_facts.sight(connection, tick, missed)], limits, tick.now)
        seen = await watchdog_facts.note_sight(
            connection, tick, is_blind=bool(own.findings), good_ticks=GOOD_TICKS
        )
        read = await read_inbox(connection, policy, tick.now)
        findings, next_at = [*own.findings, *read.findings], None
        if not seen.is_blind:
            # What fell due in blindness lies before the last look: everything is looked at again.
            whole = replace(tick, sweeps=tick.sweeps or seen.has_ended)
            judged, next_at = await self._judge(connection, whole, policy)
            findings += judged
        recorded = await self._incidents.record(connection, findings, policy) if findings else []
        return Looked(recorded, next_at, read.is_full, seen.is_blind)

    async def _judge(
        self, connection: Connection, tick: Tick, policy: Policy
    ) -> tuple[list[Finding], datetime | None]:
        """Judge what time alone makes trouble of; what is missing may only be unseen, so that the blind leave it."""
        limits = policy.thresholds
        leases: list[LeaseFact] = []
        if self._leases.are_due(tick, limits):
            leases, next_at = await watchdog_facts.leases(connection, tick, self._leases.since(tick), limits)
            self._leases.looked(tick, next_at)
        queues = await watchdog_facts.queues(connection, tick, policy)
        unheard: list[AgentSessionFact] = []
        if tick.sweeps:
            silence = policy.sessions.silence_act_seconds
            unheard = await watchdog_facts.unheard_sessions(connection, tick, silence)
        judged = [
            judge(UNHEARD_RULES, unheard, limits, tick.now),
            judge(LEASE_RULES, leases, limits, tick.now),
            judge(QUEUE_RULES, queues, limits, tick.now),
        ]
        ahead = [at for at in (self._leases.next_at, *(each.next_at for each in judged)) if at is not None]
        return [finding for each in judged for finding in each.findings], min(ahead, default=None)

    def _pause(self, now: datetime, next_at: datetime | None, spent: float) -> float:
        if next_at is None:
            return self._config.tick_seconds
        ahead = (next_at - now) / timedelta(seconds=1) - spent
        return min(max(ahead, 0.0) + SOON_SECONDS, self._config.tick_seconds)


class OwnTime:
    """Tells a watch that nobody kept from a clock that jumped and from a database that was away."""

    def __init__(self) -> None:
        self._last: tuple[datetime, float] | None = None
        self._was_away = False

    def lost(self) -> None:
        """Note that the database could not be reached: then nobody is blamed for not watching."""
        self._was_away = True

    def missed_seconds(self, tick: Tick, clock: float) -> float:
        """Say for how long nobody watched before this tick, at `clock` seconds of this process."""
        missed = 0.0
        if tick.previous is not None and not tick.server_changed and not self._was_away:
            missed = (tick.now - tick.previous).total_seconds()
            if self._last is not None and self._last[0] == tick.previous:
                missed = min(missed, clock - self._last[1])
        self._last, self._was_away = (tick.now, clock), False
        return max(missed, 0.0)


class LeaseLooks:
    """When live leases must be looked at again: at the next moment of any, and before a new one could have its first.

    A renewal only moves moments on, so that what was found to come next comes no sooner.
    """

    def __init__(self) -> None:
        self.next_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._ticked_at: datetime | None = None

    def are_due(self, tick: Tick, limits: Thresholds) -> bool:
        """Say whether a rule may have fired since the last look; after another watchdog's tick that is not known."""
        goes_on, self._ticked_at = tick.previous == self._ticked_at, tick.now
        if tick.sweeps or not goes_on or self._looked_at is None:
            return True
        if tick.shortest_lease_seconds is None:
            return False
        first = self._looked_at + timedelta(
            seconds=tick.shortest_lease_seconds * (1 - limits.lease_near_expiry_fraction)
        )
        return tick.now >= first or (self.next_at is not None and tick.now > self.next_at)

    def since(self, tick: Tick) -> datetime | None:
        """Give the moment up to which leases were judged; None where all are to be."""
        return (
            None
            if tick.sweeps or self._looked_at is None
            else min(self._looked_at, tick.previous or tick.now)
        )

    def looked(self, tick: Tick, next_at: datetime | None) -> None:
        self._looked_at, self.next_at = tick.now, next_at
