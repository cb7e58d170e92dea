"""Carries a repair out: each gate is looked at once more, then it is done, seen to and recorded, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from watchkeeper.domain.errors import SettingError, WatchkeeperError
from watchkeeper.domain.host_guard.plan import CARRIED_OUT_BY as HOST_GUARD
from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.repair_plans import CHANGING, is_mirrored
from watchkeeper.domain.repair_words import Image
from watchkeeper.domain.repairs import Authority, Plan, RepairState, authority_needed, by_hearsay
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.repairs.approving import approvals_needed, standing_approvals
from watchkeeper.services.repairs.asking import ask, asked_worker, is_let_go, seen_effect
from watchkeeper.services.repairs.breaker import ACTIONS_OFF, TRIPPED_NOTE, BreakerConfig, is_tripped
from watchkeeper.services.repairs.fleet_actions import OF_THE_FLEET
from watchkeeper.services.repairs.incident_moves import follow
from watchkeeper.services.repairs.job_actions import OF_JOBS
from watchkeeper.services.repairs.records import SYSTEM, Change, RepairRecords
from watchkeeper.services.repairs.targets import Seen, look
from watchkeeper.services.repairs.work import Done, Work
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row

HANDS = OF_JOBS | OF_THE_FLEET


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """Times in seconds.

    `verify_seconds`: how long an incident may stay open after a repair until the next is tried. `aftermath_seconds`: an
    incident that opens so soon after a repair of its target is taken for the repair's effect. `undecided_seconds`: so
    long a proposal for a kind without workers may wait until the kind is paused.
    """

    interval_seconds: float = 1.0
    batch: int = 100
    verify_seconds: float = 60.0
    cool_down_seconds: float = 60.0
    aftermath_seconds: float = 600.0
    undecided_seconds: float = 86_400.0
    breaker: BreakerConfig = field(default_factory=BreakerConfig)

    def __post_init__(self) -> None:
        if self.interval_seconds <= 0 or self.batch < 1:
            raise SettingError("the repair duty's interval is more than 0, and its batch at least 1")


class Acting:
    """Carries repairs out, one locked row at a time, in the caller's transaction."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        records: RepairRecords,
        redactor: Redactor,
        config: RepairConfig,
    ) -> None:
        self._policy = policy
        self._records = records
        self._redactor = redactor
        self._config = config

    async def act(self, connection: Connection, row: Row, *, word_of: str | None = None) -> Row:
        """Carry out a locked repair that is allowed to; give it as it stands then, also where it has to wait.

        `word_of` is the person who does it on their own authority: no approval and no brake on the program counts then.
        """
        plan, approvals = Plan.from_json(row["plan"]), []
        if word_of is None:
            approvals = await standing_approvals(connection, row)
            if len(approvals) < approvals_needed(self._policy(), row):
                return await self.expire(connection, row, "its approval ran out before it could be used")
            if plan.carried_out_by == HOST_GUARD:
                return await self._wait(connection, row, f"approved: it waits for {plan.target} itself")
        if (why := await self._must_wait(connection, row, plan, word_of)) is not None:
            return await self._wait(connection, row, why)
        try:
            seen = await self._look(connection, row, plan)
        except WatchkeeperError as error:
            return await self.expire(connection, row, f"the target is not there: {error.message}")
        if seen.has_drifted_from(plan):
            return await self.expire(connection, row, "the target is not as it was when this was planned")
        if needed_now(self._policy(), row, plan, seen.image) is not plan.authority:
            return await self.expire(connection, row, "the policy asks for another authority now")
        if (why := await self._other_repair(connection, row)) is not None:
            return await self._wait(connection, row, why)
        ids = [approval["id"] for approval in approvals]
        await fetch(connection, "use_approvals", {"project_id": row["project_id"], "ids": ids})
        actor = word_of or (approvals[-1]["actor"] if approvals else SYSTEM)
        started = await self._records.move(
            connection, row, RepairState.EXECUTING, Change(actor, old_state=dict(seen.image))
        )
        work = Work(connection, started, plan, seen, actor, self._redactor)
        return await self._carry_out(work)

    async def _wait(self, connection: Connection, row: Row, why: str) -> Row:
        await self._records.note(connection, row, why)
        return {**row, "note": why}

    async def _look(self, connection: Connection, row: Row, plan: Plan) -> Seen:
        is_asked = plan.carried_out_by != "watchkeeper" or plan.action not in HANDS
        if is_asked and (worker := asked_worker(row, plan)) is not None:
            # A worker's row before its leases, as its renewals take them: else the two could wait for each other.
            where = {"project_id": row["project_id"], "worker_id": worker}
            await fetch(connection, "look_at_worker", where)
        return await look(connection, row["project_id"], plan.target, plan.action)

    async def _must_wait(
        self, connection: Connection, row: Row, plan: Plan, word_of: str | None
    ) -> str | None:
        switch = await fetch_row(connection, "actions_switch")
        if not switch["is_on"]:
            return ACTIONS_OFF
        if word_of is not None or rule_of(row) is None:
            return None
        if await is_tripped(connection, row, self._config.breaker):
            return f"{TRIPPED_NOTE}{row['trigger']} in pool {row['pool']} is tripped: a person resets it"
        target = json.dumps(plan.to_json()["target"])
        where = {
            "project_id": row["project_id"],
            "id": row["id"],
            "trigger": row["trigger"],
            "target": target,
            "cool_down_seconds": self._config.cool_down_seconds,
        }
        since = (await fetch_row(connection, "seconds_since_attempt", where))["seconds"]
        if since is not None and since < self._config.cool_down_seconds:
            return f"{row['trigger']} acted on {plan.target} {since:.0f} s ago: it cools down"
        return None

    async def _other_repair(self, connection: Connection, row: Row) -> str | None:
        if row["job_id"] is None or row["action"] not in CHANGING:
            return None
        where = {"project_id": row["project_id"], "id": row["id"], "job_id": row["job_id"]}
        where["changing"] = [action.value for action in CHANGING]
        other = await fetch_one(connection, "other_executing_repair", where)
        return None if other is None else f"another repair of the job is under way: {other['id']}"

    async def _carry_out(self, work: Work) -> Row:
        try:
            async with work.connection.transaction():
                done = await self._do(work)
        except WatchkeeperError as error:
            change = Change(work.actor, output=error.message, note=error.message)
            return await self.end(work.connection, work.repair, RepairState.FAILED, change)
        if done.is_for_person:
            change = Change(work.actor, output=done.output, note=done.output)
            return await self.end(work.connection, work.repair, RepairState.NEEDS_HUMAN, change)
        if done.due_seconds is not None:
            asked = {"due_seconds": done.due_seconds, "note": done.output, "output": done.output}
            where = {"project_id": work.project_id, "id": work.repair["id"]}
            await fetch(work.connection, "await_effect", {**where, **asked})
            await follow(work.connection, work.repair, self._policy())
            return work.repair
        after = await look(work.connection, work.project_id, work.plan.target, work.plan.action)
        change = Change(work.actor, output=done.output, new_state={**after.image, **done.made})
        return await self.end(work.connection, work.repair, RepairState.SUCCEEDED, change)

    async def _do(self, work: Work) -> Done:
        hands = HANDS.get(work.plan.action)
        if work.plan.carried_out_by == "watchkeeper" and hands is not None:
            return await hands(work)
        return await ask(work, 2 * self._policy().heartbeat_interval_seconds)

    async def see(self, connection: Connection, row: Row) -> Row:
        """Look whether what a locked repair asked for has come, or is overdue; give it as it stands then."""
        plan = Plan.from_json(row["plan"])
        if (effect := await seen_effect(connection, row, self._policy().checks)) is not None:
            seen = {"seen": effect.what, "rests_on": effect.rests_on}
            return await self.end(
                connection, row, RepairState.SUCCEEDED, Change(new_state=seen, note=effect.what)
            )
        if await is_let_go(connection, row, plan):
            why = f"{row['worker_id']} holds the job no more, and nobody else can do what was asked"
            return await self.end(connection, row, RepairState.NEEDS_HUMAN, Change(note=why, reason=why))
        if row["due_at"] is None or row["due_at"] > row["now"]:
            return row
        why = "nothing showed the effect in time, and no data is no success"
        to = RepairState.FAILED if plan.carried_out_by == "watchkeeper" else RepairState.NEEDS_HUMAN
        return await self.end(connection, row, to, Change(note=why, reason=why))

    async def end(self, connection: Connection, row: Row, to: RepairState, change: Change) -> Row:
        """Move a repair to its end, and its incident with it."""
        ended = await self._records.move(connection, row, to, change)
        await follow(connection, ended, self._policy())
        return ended

    async def expire(self, connection: Connection, row: Row, why: str) -> Row:
        """Give a repair up that was not carried out."""
        return await self._records.move(connection, row, RepairState.EXPIRED, Change(reason=why, note=why))


def needed_now(policy: Policy, row: Row, plan: Plan, image: Image) -> Authority | None:
    """Say whose word a repair needs under the policy in force, on its target as it stands."""
    rule = rule_of(row)
    mode = PolicyMode.SUPERVISOR
    if rule is not None:
        mode = policy.mode(rule, plan.action, is_mirrored=is_mirrored(image))
        mode = by_hearsay(mode) if row["incident_is_hearsay"] else mode
    return authority_needed(
        mode,
        plan.action,
        rule=rule,
        has_live_lease=image.get("lease") == "live",
        asked=row["asked_by_id"] is not None,
        ends_attempt=bool(plan.arguments.get("ends_attempt")),
    )


def rule_of(row: Row) -> RuleName | None:
    """Give the rule that a repair follows; None for one that somebody asked for without an incident."""
    return _RULES.get(row["trigger"])


_RULES: dict[str, RuleName] = {rule.value: rule for rule in RuleName}
