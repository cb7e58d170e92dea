"""Looks again after an act, at the times that were written down with it, by a scan of its own; it cannot act."""

from __future__ import annotations

import json
from collections.abc import Callable

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.host_guard.after import Check, Outcome, Watched, check, outcome_of
from watchkeeper.domain.policies import Policy
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.concluding import Concluding
from watchkeeper.services.host_guard.looking import Look, Looking
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 600.0
"""A look that is later than that tells of another time: there is no data then."""

BATCH = 20


class PostChecks:
    """Makes the looks that are due on this host, and gives up those of hosts that nobody looks at any more."""

    def __init__(
        self,
        database: Database,
        looking: Looking,
        concluding: Concluding,
        policy: Callable[[], Policy],
        host: str,
    ) -> None:
        self._database = database
        self._looking = looking
        self._concluding = concluding
        self._policy = policy
        self._host = host

    def duty(self) -> Duty:
        return Duty("host_post_checks", self.run_once, EVERY_SECONDS)

    async def run_once(self) -> Ran:
        """Make every look that is due, and mark what has come back; one transaction for each."""
        asked = {"host": self._host, "patience": PATIENCE_SECONDS, "limit": BATCH}
        due = await self._database.fetch("due_post_checks", asked)
        look = None if all(row["is_given_up"] for row in due) else await self._look()
        done = 0
        for row in due:
            async with self._database.transaction() as connection:
                done += await self._check(connection, row, None if row["is_given_up"] else look)
        days = round(self._policy().thresholds.recurrence_days)
        back = await self._database.fetch("note_host_recurrences", {"days": days, "limit": BATCH})
        return Ran({"checked": done, "recurred": len(back)})

    async def _look(self) -> Look | None:
        """Scan; None where that could not be done: it is tried again while there is patience."""
        try:
            return await self._looking.look()
        except SettingError:
            return None

    async def _check(self, connection: Connection, found: Row, look: Look | None) -> bool:
        where = {name: found[name] for name in ("project_id", "remediation_id", "number")}
        act = {"project_id": found["project_id"], "id": found["remediation_id"]}
        row = await fetch_one(connection, "lock_host_remediation", act)
        due = await fetch_one(connection, "lock_post_check", where)
        if row is None or due is None:
            return False
        came = _came(due, look)
        if came is None:
            return False
        said = {"outcome": came.outcome.value, "facts": json.dumps(came.facts)}
        await fetch(connection, "write_post_check", {**where, **said})
        checks = await fetch(
            connection,
            "post_checks_of",
            {"project_id": found["project_id"], "remediation_id": found["remediation_id"]},
        )
        if all(each["done_at"] is not None for each in checks):
            outcome = outcome_of([Outcome(each["outcome"]) for each in checks])
            await self._concluding.conclude(connection, row, outcome)
        return True


def _came(due: Row, look: Look | None) -> Check | None:
    """Give what a look came to; None while it may still be made."""
    if due["late"] > PATIENCE_SECONDS:
        return Check(Outcome.NO_DATA, {"why": f"nobody looked: it was due {due['late']:.0f} s ago"})
    if look is None:
        return None
    made = check(Watched.from_json(due["watched"]), look.scan, look.judged, look.ledger)
    return Check(made.outcome, {**made.facts, "late_seconds": round(due["late"])})
