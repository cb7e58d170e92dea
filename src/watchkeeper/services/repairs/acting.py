"""Carries a repair out: each gate is looked at once more, then it is done, seen to and recorded, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.domain.errors import SettingError, WatchkeeperError
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.repair_plans import Image, is_mirrored
from watchkeeper.domain.repairs import Authority, Plan, RepairState, authority_needed
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.repairs.job_actions import OF_JOBS, Work
from watchkeeper.services.repairs.records import SYSTEM, Change, RepairRecords
from watchkeeper.services.repairs.targets import Seen, look
from watchkeeper.storage.database import Connection, Row, fetch_one, fetch_row


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """Times in seconds. `verify_seconds`: how long an incident may stay open after a repair until the next is tried."""

    interval_seconds: float = 1.0
    batch: int = 100
    verify_seconds: float = 60.0
    cool_down_seconds: float = 60.0
    aftermath_seconds: float = 600.0

    def __post_init__(self) -> None:
        if self.interval_seconds <= 0 or self.batch < 1:
            raise SettingError("the repair duty's interval is more than 0, and its batch at least 1")


class Acting:
    """Carries repairs out, one locked row at a time, in the caller's transaction."""

    def __init__(self, policy: Callable[[], Policy], records: RepairRecords, config: RepairConfig) -> None:
        self._policy = policy
        self._records = records
        self._config = config

    async def act(self, connection: Connection, row: Row) -> Row:
        """Carry out a locked repair that is allowed to; give it as it stands then, also where it has to wait."""
        plan = Plan.from_json(row["plan"])
        if (why := await self._must_wait(connection, row)) is not None:
            await self._records.note(connection, row, why)
            return row
        try:
            seen = await look(connection, row["project_id"], plan.target, plan.action)
        except WatchkeeperError as error:
            return await self._expire(connection, row, f"the target is not there: {error.message}")
        if seen.has_drifted_from(plan):
            return await self._expire(connection, row, "the target is not as it was when this was planned")
        if needed_now(self._policy(), row, plan, seen.image) is not plan.authority:
            return await self._expire(connection, row, "the policy asks for another authority now")
        started = await self._records.move(
            connection, row, RepairState.EXECUTING, Change(old_state=dict(seen.image))
        )
        return await self._carry_out(connection, started, plan, seen)

    async def _must_wait(self, connection: Connection, row: Row) -> str | None:
        switch = await fetch_row(connection, "actions_switch")
        if not switch["is_on"]:
            return f"all actions are switched off: {switch['reason'] or 'no reason was given'}"
        where = {"project_id": row["project_id"], "id": row["id"]}
        if row["job_id"] is not None:
            other = await fetch_one(connection, "other_executing_repair", {**where, "job_id": row["job_id"]})
            if other is not None:
                return f"another repair of the job is under way: {other['id']}"
        return None

    async def _carry_out(self, connection: Connection, row: Row, plan: Plan, seen: Seen) -> Row:
        actor = SYSTEM if plan.authority is Authority.SYSTEM else row["actor"]
        try:
            async with connection.transaction():
                output = await OF_JOBS[plan.action](Work(connection, row, plan, seen, actor))
        except WatchkeeperError as error:
            return await self._records.move(
                connection, row, RepairState.FAILED, Change(output=error.message, note=error.message)
            )
        after = await look(connection, row["project_id"], plan.target, plan.action)
        return await self._records.move(
            connection, row, RepairState.SUCCEEDED, Change(output=output, new_state=dict(after.image))
        )

    async def _expire(self, connection: Connection, row: Row, why: str) -> Row:
        return await self._records.move(connection, row, RepairState.EXPIRED, Change(reason=why, note=why))


def needed_now(policy: Policy, row: Row, plan: Plan, image: Image) -> Authority | None:
    """Say whose word a repair needs under the policy in force, on its target as it stands."""
    rule = rule_of(row)
    mode = (
        PolicyMode.SUPERVISOR
        if rule is None
        else policy.mode(rule, plan.action, is_mirrored=is_mirrored(image))
    )
    return authority_needed(
        mode,
        plan.action,
        rule=rule,
        has_live_lease=image.get("lease") == "live",
        asked=row["asked_by_id"] is not None,
    )


def rule_of(row: Row) -> RuleName | None:
    """Give the rule that a repair follows; None for one that somebody asked for without an incident."""
    return _RULES.get(row["trigger"])


_RULES: dict[str, RuleName] = {rule.value: rule for rule in RuleName}
