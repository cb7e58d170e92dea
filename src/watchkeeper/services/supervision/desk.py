"""What an attempt asks of whoever handed its job out: our own server, or a foreign platform behind its helper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.endings import Ending
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import Json


@dataclass(frozen=True)
class Held:
    """The job as it was claimed, its lease token, and the workspace, if there is one.

    `notes` is what was decided of the attempt on the way, shared by all that deliver for it.
    """

    job: dict[str, Any]
    lease: str
    workspace: Path | None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.job["id"])


class JobDesk(Protocol):
    """The desk of a worker's jobs. All that asks raises ServerUnreachable and Refused."""

    def task(self, job: Mapping[str, Any]) -> str:
        """Give what the agent is to do. Raises UsageError for a job that tells an agent nothing."""
        ...

    def is_gated(self, job: Mapping[str, Any]) -> bool:
        """Say whether results are looked at, whoever hands them in: else only the agent's own `complete` counts."""
        ...

    def guest(self, session: ContractSession) -> ContractSession:
        """Give who calls the contract's tools as the host of these tools knows him."""
        ...

    async def context(self, job: str, lease: str) -> Json:
        """Give what is known of a job: its limits, lessons, earlier attempts."""
        ...

    async def job_token(self, job: str, lease: str) -> str:
        """Give a token for one turn of the job's agent."""
        ...

    async def how_it_ended(self, held: Held) -> str | None:
        """Say how the job's own holder has ended it; None where it was taken away."""
        ...

    async def failed_checks(
        self, records: AttemptRecords, held: Held, claimed: Ending, output: Json | None
    ) -> list[Json]:
        """Give the checks that the results of a claimed success would fail; waits, raises nothing."""
        ...

    async def deliver(
        self, records: AttemptRecords, held: Held, ending: Ending, output: Json | None = None
    ) -> Json:
        """Tell an end, and keep the answer; returns when it is known, or never will be."""
        ...
