"""Objectives of worker pools: ends of attempts are counted as they come, and read against the policy's objectives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.domain.judging import Share
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.slo import LENGTHS, Burning, Ends, Slo, SloState, judge
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.merges import project_group
from watchkeeper.storage.database import Connection, Database, fetch, fetch_one, fetch_row

COUNT_SECONDS = 30.0
SOON_SECONDS = 0.05

KEPT_DAYS = 92
"""Two days more than the longest period that a document may ask for."""

STEP = timedelta(days=5)
"""So much is counted in one transaction where the counting is behind."""

AGAIN = timedelta(minutes=10)
"""What was counted is counted once more: a transaction that ended late has its end in the past."""

STALE = timedelta(minutes=10)
"""Behind by so much, the counting says nothing of now."""


class SloCounting:
    """The duty that counts; safe on many machines at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def duty(self) -> Duty:
        return Duty("slo_counting", self.run_once, COUNT_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Count the next step; ask to go on soon where there is more."""
        async with self._database.transaction() as connection:
            turn = await fetch_one(connection, "slo_turn")
            if turn is None:
                return Ran({})
            since = (turn["counted_to"] or turn["now"] - timedelta(days=KEPT_DAYS)) - AGAIN
            until = since + AGAIN + STEP
            counted = await fetch_row(connection, "count_ends", {"since": _whole(since), "until": until})
        is_behind = until < turn["now"]
        return Ran({"changed": counted["changed"]}, SOON_SECONDS if is_behind else None)


def _whole(moment: datetime) -> datetime:
    """Go back to the begin of the five minutes: a part of them would be taken for all."""
    return moment - timedelta(
        minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond
    )


@dataclass(frozen=True, slots=True)
class PoolSlos:
    """Every pool of a project against its objective. `counted_to` None: nothing was ever counted."""

    now: datetime
    counted_to: datetime | None
    slos: Sequence[Slo]

    @property
    def is_stale(self) -> bool:
        return self.counted_to is None or self.now - self.counted_to > STALE

    def state(self, slo: Slo) -> SloState:
        """Give a pool's state; what was not counted up to now is unknown."""
        return SloState.UNKNOWN if self.is_stale else slo.state


async def read_slos(connection: Connection, projects: Sequence[str], policy: Policy) -> PoolSlos:
    """Judge the pools of projects that are read together."""
    clock = await fetch_row(connection, "slo_counting")
    objectives = policy.slos
    days = {name: own.period_days for name, own in objectives.pools.items()}
    asked = {
        "pools": list(days),
        "days": list(days.values()),
        "usual_days": objectives.usual.period_days,
        "longest_days": max([objectives.usual.period_days, *days.values()]),
        "windows": [*map(float, LENGTHS), None],
    }
    found: dict[str, dict[int | None, Ends]] = defaultdict(dict)
    for project_id in projects:
        for row in await fetch(connection, "slo_ends", {**asked, "project_id": project_id}):
            seconds = None if row["seconds"] is None else int(row["seconds"])
            before = found[row["pool"]].get(seconds, Ends())
            found[row["pool"]][seconds] = Ends(before.good + row["good"], before.bad + row["bad"])
    slos = [_judged(pool, policy, found[pool]) for pool in sorted({*found, *objectives.pools})]
    return PoolSlos(clock["now"], clock["counted_to"], slos)


def _judged(pool: str, policy: Policy, ends: Mapping[int | None, Ends]) -> Slo:
    within = {seconds: one for seconds, one in ends.items() if seconds is not None}
    return judge(pool, policy.slos.of(pool), ends.get(None, Ends()), within)


def kept(slos: PoolSlos) -> Share:
    """Give how many pools that had work are known against their objective."""
    worked = [slo for slo in slos.slos if slo.period.n]
    return Share(sum(slos.state(slo) is not SloState.UNKNOWN for slo in worked), len(worked))


class Slos:
    """The objectives of one database's pools, as reports give them."""

    def __init__(self, database: Database, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._policy = policy

    async def report(self, project_id: str) -> dict[str, Any]:
        """Give each pool with its objective, state, what may still fail, and its burn by each pair of windows."""
        policy = self._policy()
        async with self._database.transaction() as connection:
            group = await project_group(connection, project_id)
            found = await read_slos(connection, group, policy)
        return {
            "generated_at": found.now,
            "counted_to": found.counted_to,
            "is_stale": found.is_stale,
            "pools": [_shown(slo, found.state(slo), own=slo.pool in policy.slos.pools) for slo in found.slos],
        }


def _shown(slo: Slo, state: SloState, *, own: bool) -> dict[str, Any]:
    return {
        "pool": slo.pool,
        "state": state.value,
        "target": slo.objective.target,
        "period_days": slo.objective.period_days,
        "declared": own,
        "n": slo.period.n,
        "completed": slo.period.good,
        "failed": slo.period.bad,
        "allowed": round(slo.allowed, 2),
        "budget_left": None if slo.left is None else round(slo.left, 4),
        "windows": [_window(burning, slo) for burning in slo.windows],
    }


def _window(burning: Burning, slo: Slo) -> dict[str, Any]:
    def burn(ends: Ends) -> float | None:
        found = ends.burn(slo.objective)
        return None if found is None else round(found, 2)

    return {
        "urgency": burning.window.urgency.value,
        "long_s": burning.window.long_seconds,
        "short_s": burning.window.short_seconds,
        "long_burn": burn(burning.long),
        "short_burn": burn(burning.short),
        "threshold": round(burning.threshold, 2),
        "by": "count" if burning.by_count else "share",
        "failed": burning.long.bad,
        "short_failed": burning.short.bad,
        "n": burning.long.n,
        "limit": round(burning.limit, 2),
        "fires": burning.fires,
    }
