"""The repair duty: reacts to open incidents, plans, acts where it may, and sees to what was begun.

Safe on many machines at once: incidents and repairs are taken with SKIP LOCKED, and decided again under the lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from watchkeeper.domain.errors import Conflict, JobNotFound, NotFound
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.repairs import Authority, Plan, RepairState
from watchkeeper.domain.rules.catalogue import RULES, Rule
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.repairs.acting import Acting, RepairConfig
from watchkeeper.services.repairs.planning import Planning
from watchkeeper.services.repairs.records import RepairRecords
from watchkeeper.storage.database import Connection, Database, Row, fetch_one


class RepairDuty:
    """Plans for incidents without a repair, and carries out what is allowed to be."""

    def __init__(
        self,
        database: Database,
        policy: Callable[[], Policy],
        records: RepairRecords,
        config: RepairConfig | None = None,
    ) -> None:
        self._database = database
        self._policy = policy
        self._config = config or RepairConfig()
        self._acting = Acting(policy, records, self._config)
        self._planning = Planning(policy, records)

    def duty(self) -> Duty:
        return Duty("repairs", self.run_once, self._config.interval_seconds)

    async def run_once(self) -> Ran:
        """Plan for what is open, then carry out what may be; give counts by what came of it."""
        counts: Counter[str] = Counter()
        for incident in await self._database.fetch("incidents_to_repair", {"limit": self._config.batch}):
            async with self._database.transaction() as connection:
                counts[await self._plan(connection, incident)] += 1
        for found in await self._database.fetch("undecided_repairs", {"limit": self._config.batch}):
            async with self._database.transaction() as connection:
                counts[await self._act(connection, found)] += 1
        counts.pop("", None)
        return Ran(dict(counts))

    async def _plan(self, connection: Connection, incident: Row) -> str:
        where = {"project_id": incident["project_id"], "id": incident["id"]}
        rule = RULES[RuleName(incident["rule"])]
        if incident["is_vetoed"] or not self._is_due(incident) or incident["attempts"] >= attempts_of(rule):
            return ""
        if await fetch_one(connection, "lock_incident", where) is None:
            return ""
        try:
            async with connection.transaction():
                planned = await self._planning.for_incident(connection, rule, incident)
        except (Conflict, NotFound, JobNotFound):
            return ""
        return "planned" if planned else ""

    def _is_due(self, incident: Row) -> bool:
        since = incident["seconds_since"]
        return since is None or bool(since >= self._config.verify_seconds)

    async def _act(self, connection: Connection, found: Row) -> str:
        where = {"project_id": found["project_id"], "id": found["id"], "states": [found["state"]]}
        row = await fetch_one(connection, "lock_actionable_repair", where)
        if row is None:
            return ""
        is_free = Plan.from_json(row["plan"]).authority is Authority.SYSTEM
        if row["state"] == RepairState.PROPOSED and not is_free:
            return ""
        after = await self._acting.act(connection, row)
        return "" if after["state"] == row["state"] else str(after["state"])


def attempts_of(rule: Rule) -> int:
    """Give how often a rule's repair is tried for one incident."""
    return max(1, rule.escalate_after or 1)
