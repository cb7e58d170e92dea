"""The end that an agent told while the server was away: kept on disk, and told once its turn is over."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.domain.sessions.job_seen import TERMINAL
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.endings import Command, Ending, Why
from watchkeeper.services.supervision.records import AttemptRecords

LINGER_SECONDS = 30.0
"""How long an agent may live on that has ended its job by the contract's own commands."""

AWAY = frozenset({"queued", "server_unreachable", "database_unavailable", "internal_error", "rate_limited"})
"""Answers to a terminal command that leave open what the server will say of it."""


class KeptEnd:
    """What one attempt's agent was promised: its end is on its way. Its calls come in the threads of who serves them.

    What was kept before a worker's death is still there.
    """

    def __init__(self, job: str, records: AttemptRecords) -> None:
        self._job = job
        self._records = records
        kept = records.kept()
        self._ending = None if kept is None else Ending.from_record(kept)
        self._kept_at = boot_clock()

    def keep(self, command: str, body: dict[str, Any]) -> None:
        """Keep an end, its command and body, in the place of one that was kept before; raises OSError."""
        ending = Ending(Command(command), dict(body))
        self._records.write_kept(ending.record())
        self._ending, self._kept_at = ending, boot_clock()
        log("end_kept", job=self._job, command=command)

    def heard(self, call: ContractCall) -> None:
        """Take in a call: what the server said to the agent itself takes the place of what was kept."""
        if call.command in TERMINAL and call.error_code not in AWAY:
            self.forget()

    def forget(self) -> None:
        """Let go of it: the agent goes on working."""
        self._ending = None
        self._records.drop_kept()

    @property
    def is_due(self) -> bool:
        """Say whether the agent, which was told to end its turn, has had the time for it."""
        return self._ending is not None and boot_clock() >= self._kept_at + LINGER_SECONDS

    def ending(self, why: Why | None) -> Ending | None:
        """Give the end to be told for a turn that is over; None where the server knows it, or there is a better one."""
        ending = self._ending
        is_cancelled = why is Why.CANCELLED and ending is not None and ending.command is not Command.COMPLETE
        return None if why is Why.ENDED_BY_AGENT or is_cancelled else ending
