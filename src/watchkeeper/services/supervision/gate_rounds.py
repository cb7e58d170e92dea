"""Gate rounds: a command that ended well over results that would not pass gets the failed checks as a further turn.

The turns of an attempt share its lease, its workspace and its hard cap. After the last one `complete` decides.
"""

from __future__ import annotations

import asyncio
from typing import Any

from watchkeeper.agents.command import command_of
from watchkeeper.agents.session import Session, SessionError
from watchkeeper.agents.workspace import GateRound
from watchkeeper.logs import log
from watchkeeper.services.supervision.delivery import Held
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import Json
from watchkeeper.services.supervision.session_start import Means, cap_left, prepared_again


class GateRounds:
    """The further turns of one attempt. How many there were is told by its records, to who adopts it too."""

    def __init__(self, means: Means, records: AttemptRecords, facts: dict[str, Any]) -> None:
        self._means = means
        self._records = records
        self._facts = facts

    @property
    def remain(self) -> bool:
        """Say whether results that would not pass may be mended: without a contract there is nothing to pass."""
        of = self._means.config.max_gate_rounds
        contract = self._facts["job"].get("contract")
        return contract is not None and len(self._records.earlier_sessions) < of

    async def failed_checks(self, held: Held, output: Json | None) -> list[Json]:
        """Hand in what there is and give what the gate finds wrong with it; see `Delivery.failed_checks`."""
        return await self._means.delivery.failed_checks(self._records, held, output)

    async def next_session(self, failed: list[Json]) -> Session | None:
        """Run the command again with the checks that failed; None where its time is up or it cannot be started."""
        try:
            return await asyncio.to_thread(self._start, failed)
        except (OSError, SessionError) as error:
            log("gate_round_not_started", job=self._facts["job"]["id"], detail=str(error))
            return None

    def _start(self, failed: list[Json]) -> Session | None:
        job = self._facts["job"]
        self._records.set_session_aside()
        left = cap_left(self._records, job)
        if left is not None and left <= 0:
            return None
        gate = GateRound(len(self._records.earlier_sessions), self._means.config.max_gate_rounds, failed)
        command = command_of(job.get("payload"), self._means.config.command)
        session = Session.start(prepared_again(self._means, self._records, self._facts, command, gate))
        checks = [check.get("check") for check in failed]
        log("gate_round_started", job=job["id"], round=gate.number, of=gate.of, failed=checks)
        return session
