"""A foreign platform's desk, as an attempt asks it (see supervision/desk.JobDesk): what is said there goes through the
heartbeat, which runs the helper's commands. The attempt's end is told to nobody: the heartbeat makes its own of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.prompts import foreign_task
from watchkeeper.logs import log
from watchkeeper.services.relay.asking import ForeignSession, Question
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.desk import Held
from watchkeeper.services.supervision.endings import Ending
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import Json
from watchkeeper.services.supervision.turns import CLAIMED


class ForeignDesk:
    """The desk of one foreign job. `ask` puts a question to the heartbeat, from any thread.

    `granted` is how the job ended by the agent's own command; `ending` how the attempt at it ended.
    """

    def __init__(self, config: HelperConfig, redactor: Redactor, ask: Callable[[Question], None]) -> None:
        self._config = config
        self._redactor = redactor
        self._ask = ask
        self.granted: str | None = None
        self.ending: Ending | None = None

    def task(self, job: Mapping[str, Any]) -> str:
        return foreign_task(job[CLAIMED])

    def is_gated(self, job: Mapping[str, Any]) -> bool:  # noqa: ARG002 - see JobDesk
        return False

    def guest(self, session: ContractSession) -> ContractSession:
        return ForeignSession(session.job, session.workspace, session.told, put=self._ask)

    async def context(self, job: str, lease: str) -> Json:  # noqa: ARG002 - see JobDesk
        """Give the limits that are set for every job of this helper."""
        limits = {"tokens_limit": self._config.tokens_limit, "cost_limit": self._config.cost_limit}
        return {"job": limits}

    async def job_token(self, job: str, lease: str) -> str:  # noqa: ARG002 - see JobDesk
        """Make a token that opens this heartbeat's tools, and nothing of the platform's."""
        token = secrets.token_urlsafe(32)
        self._redactor.learn(token)
        return token

    async def how_it_ended(self, held: Held) -> str | None:  # noqa: ARG002 - see JobDesk
        return self.granted

    async def failed_checks(self, *_: Any) -> list[Json]:
        return []

    async def deliver(
        self,
        records: AttemptRecords,
        held: Held,
        ending: Ending,
        output: Json | None = None,  # noqa: ARG002 - the session's record has it
    ) -> Json:
        self.ending = ending
        answer = {"status": self.granted or "over"}
        try:
            await asyncio.to_thread(records.write_end, ending.record())
            await asyncio.to_thread(records.write_reported, answer)
        except OSError as error:
            log("report_not_kept", job=held.id, detail=str(error))
        return answer
