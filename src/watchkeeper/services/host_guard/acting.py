"""Carries out an approved act on this host: every gate at once, written down first, proven again, then asked to end."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, GateFailed, NotFound, SettingError
from watchkeeper.domain.host_guard.after import Outcome, Watched
from watchkeeper.domain.host_guard.gates import Verdict
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.limits import Limits
from watchkeeper.domain.host_guard.plan import Process, planned
from watchkeeper.domain.host_guard.recheck import why_not
from watchkeeper.domain.repairs import Plan, RepairState
from watchkeeper.host.ending import Ended, ask_to_end
from watchkeeper.host.processes import ProcReader
from watchkeeper.logs import log
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.concluding import Concluding
from watchkeeper.services.host_guard.gathering import Dry, Gathered, gathered
from watchkeeper.services.host_guard.looking import Look, Looking
from watchkeeper.services.repairs.records import Change, RepairRecords
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

EVERY_SECONDS = 5.0
BATCH = 5
ACTOR = "host_guard"
UNDECIDED = frozenset({RepairState.PROPOSED, RepairState.APPROVED})


@dataclass(frozen=True, slots=True)
class Judged:
    """One act as it stands: every gate, and what it rests on."""

    row: Row
    found: Gathered
    verdicts: tuple[Verdict, ...]

    @property
    def refused(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if not verdict.is_met]


class HostActing:
    """Acts on the host named `host`, whose /proc `looking` reads."""

    def __init__(
        self,
        database: Database,
        records: RepairRecords,
        looking: Looking,
        concluding: Concluding,
        limits: Limits,
        host: str,
    ) -> None:
        self._database = database
        self._records = records
        self._looking = looking
        self._concluding = concluding
        self._limits = limits
        self._host = host

    def duty(self) -> Duty:
        return Duty("host_remediations", self.run_once, EVERY_SECONDS)

    async def run_once(self) -> Ran:
        """Carry out what was approved for this host and passes every gate; the rest waits until its word runs out."""
        asked = {"host": self._host, "limit": BATCH}
        acted = 0
        for found in await self._database.fetch("approved_host_remediations", asked):
            judged = await self.gates(found["project_id"], found["id"])
            if not judged.refused:
                await self.act(found["project_id"], found["id"])
                acted += 1
        return Ran({"acted": acted})

    async def gates(self, project_id: str, remediation_id: UUID) -> Judged:
        """Make the dry run on this host and look at every gate; changes nothing. Raises as `act`, refusal apart."""
        look = await self._looking.look()
        async with self._database.transaction() as connection:
            return await self._judge(connection, project_id, remediation_id, look)

    async def act(self, project_id: str, remediation_id: UUID) -> dict[str, Any]:
        """Ask the targets of an act to end, and give what came of each.

        Raises GateFailed with every gate that is not met, NotFound, Conflict for one that was begun already or is for
        another host, and SettingError where the host cannot be scanned.
        """
        look = await self._looking.look()
        async with self._database.transaction() as connection:
            judged = await self._judge(connection, project_id, remediation_id, look)
            if judged.refused:
                await self._audit_refusal(connection, judged)
            else:
                await self._begin(connection, judged, look)
        if judged.refused:
            raise refused(judged.refused)
        return await self._send(judged, look.ledger)

    async def _judge(
        self, connection: Connection, project_id: str, remediation_id: UUID, look: Look
    ) -> Judged:
        await fetch(connection, "lock_host", {"host": self._host})
        row = await _locked(connection, project_id, remediation_id)
        plan = Plan.from_json(row["plan"])
        if row["host"] != self._host:
            raise Conflict(f"this is for the host {row['host']!r}, and here is {self._host!r}")
        if RepairState(row["state"]) not in UNDECIDED:
            raise Conflict(f"this act is {row['state']} already")
        dry = Dry(max(0.0, time.time() - look.scan.at), tuple(filter(None, _doubts(plan, look).values())))
        found = await gathered(connection, row, dry)
        return Judged(row, found, found.verdicts(self._limits))

    async def _audit_refusal(self, connection: Connection, judged: Judged) -> None:
        row, gates = judged.row, json.dumps([verdict.to_json() for verdict in judged.verdicts])
        where = {"project_id": row["project_id"], "id": row["id"], "host": self._host}
        await fetch(connection, "audit_host_refusal", {**where, "actor": ACTOR, "gates": gates})

    async def _begin(self, connection: Connection, judged: Judged, look: Look) -> None:
        """Use the words up, and write down what will be done and when it is looked at, before anything is sent."""
        row, plan, found = judged.row, Plan.from_json(judged.row["plan"]), judged.found
        where = {"project_id": row["project_id"], "id": row["id"]}
        used = {"project_id": row["project_id"], "ids": [word["id"] for word in found.usable]}
        await fetch(connection, "use_approvals", used)
        gates = [verdict.to_json() for verdict in judged.verdicts]
        approver = found.usable[-1]["actor"]
        change = Change(approver, old_state={"targets": plan.preconditions["targets"], "gates": gates})
        await self._records.move(connection, row, RepairState.EXECUTING, change)
        await fetch(
            connection,
            "begin_host_remediation",
            {
                **where,
                "incident_id": found.incident and found.incident["id"],
                "window_id": found.window_id,
                "gates": json.dumps(gates),
                "watched": json.dumps(Watched.before(planned(plan), look.scan, look.judged).to_json()),
                "post_checks": [float(each) for each in str(plan.arguments["post_checks"]).split()],
            },
        )

    async def _send(self, judged: Judged, ledger: Ledger) -> dict[str, Any]:
        """Send what was begun, unless actions were switched off meanwhile; keep what came of each target."""
        project_id, remediation_id = judged.row["project_id"], judged.row["id"]
        plan = Plan.from_json(judged.row["plan"])
        async with self._database.transaction() as connection:
            row = await _locked(connection, project_id, remediation_id)
            if row["state"] != RepairState.EXECUTING or row["results"] is not None:
                raise Conflict(f"this act is {row['state']} already")
            switch = await fetch_row(connection, "actions_switch")
            came = await asyncio.to_thread(self._ask, plan, ledger, is_on=switch["is_on"])
            results = [_told(target, *result) for target, result in came.items()]
            is_sent = any(result is Ended.SENT for result, _ in came.values())
            log("host_signals_sent", host=self._host, repair=str(remediation_id), sent=is_sent)
            kept = {"results": json.dumps(results), "is_sent": is_sent, "actor": ACTOR}
            where = {"project_id": project_id, "id": remediation_id}
            await fetch(connection, "keep_host_results", {**where, **kept})
            if not is_sent:
                await fetch(
                    connection,
                    "drop_post_checks",
                    {"project_id": project_id, "remediation_id": remediation_id},
                )
                row = await _locked(connection, project_id, remediation_id)
                await self._concluding.conclude(connection, row, Outcome.SUPERSEDED)
        return {"id": remediation_id, "host": self._host, "results": results, "is_sent": is_sent}

    def _ask(self, plan: Plan, ledger: Ledger, *, is_on: bool) -> Mapping[Process, tuple[Ended, str | None]]:
        targets = planned(plan)
        if not is_on:
            return dict.fromkeys(targets, (Ended.REFUSED, "all actions were switched off"))

        def doubts() -> Mapping[Process, str | None]:
            try:
                return _doubts(plan, self._looking.again(ledger))
            except SettingError as error:
                return dict.fromkeys(targets, error.message)

        return ask_to_end(targets, doubts)


def refused(gates: list[Verdict]) -> GateFailed:
    """Give the refusal that names every gate that is not met."""
    failed = [{"check": verdict.gate.value, "detail": verdict.lacks} for verdict in gates]
    names = ", ".join(verdict.gate.value for verdict in gates)
    return GateFailed(
        f"{len(gates)} gates are not met: {names}",
        hint=" ".join(f"{verdict.gate.value}: {verdict.lacks}." for verdict in gates),
        failed=failed,
    )


def _doubts(plan: Plan, look: Look) -> dict[Process, str | None]:
    own = {os.getpid(), *ProcReader().ancestors(os.getpid())}
    return {target: why_not(target, look.scan, look.judged, own) for target in planned(plan)}


async def _locked(connection: Connection, project_id: str, remediation_id: UUID) -> Row:
    where = {"project_id": project_id, "id": remediation_id}
    row = await fetch_one(connection, "lock_host_remediation", where)
    if row is None:
        raise NotFound("there is no such act of the host guard here")
    return row


def _told(target: Process, came: Ended, why: str | None) -> dict[str, Any]:
    signal = {"signal": "SIGTERM"} if came is Ended.SENT else {}
    return {**target._asdict(), "came": came.value, "why": why, **signal}
