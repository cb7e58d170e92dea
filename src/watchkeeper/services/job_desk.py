"""What a runtime worker needs from the database side: registration, progress, uploads, and the gate."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from watchkeeper import __version__
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import StaleLease
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.gate import Gate
from watchkeeper.services.kinds import Kinds
from watchkeeper.services.queue import Queue
from watchkeeper.services.runs import Attempt, record_run
from watchkeeper.storage.database import Database, fetch_one
from watchkeeper.storage.jobs import HeldLease


class WorkerFacts(Protocol):
    """What a worker registers itself with."""

    @property
    def project_id(self) -> str: ...
    @property
    def slots(self) -> int: ...
    @property
    def pool(self) -> str: ...
    @property
    def role(self) -> str | None: ...
    @property
    def persona(self) -> str | None: ...


class JobDesk:
    """One project's database, queue and gate, as trusted Python workers use them."""

    def __init__(
        self, database: Database, queue: Queue, kinds: Kinds, gate: Gate, redactor: Redactor
    ) -> None:
        self.database = database
        self.queue = queue
        self._kinds = kinds
        self._gate = gate
        self._redactor = redactor

    async def open_worker(self, worker_id: str, facts: WorkerFacts, kinds: Sequence[KindDeclaration]) -> None:
        """Make the project if there is none, declare the kinds, and register the worker."""
        for what in ("project_id", "pool", "role", "persona"):
            self._redactor.refuse_in_name(f"'{what}'", getattr(facts, what))
        self._redactor.refuse_in_name("'worker_id'", worker_id)
        await self._kinds.ensure_project(facts.project_id)
        for kind in kinds:
            await self._kinds.declare(facts.project_id, kind, actor=f"worker:{worker_id}")
        await self.database.fetch(
            "register_worker",
            {
                "project_id": facts.project_id,
                "worker_id": worker_id,
                "profile": "runtime",
                "slots": facts.slots,
                "kinds": [kind.name for kind in kinds],
                "role": facts.role,
                "pool": facts.pool,
                "persona": facts.persona,
                "host_id": socket.gethostname(),
                "version": __version__,
            },
        )

    async def progress(self, job: ClaimedJob, message: str, phase: str, payload: Any) -> None:
        """Record progress and renew the lease; raise StaleLease when it is no longer held."""
        self._redactor.refuse_in_name("'phase'", phase)
        async with self.database.transaction() as connection:
            lease = await fetch_one(
                connection,
                "use_lease",
                {
                    "project_id": job.project_id,
                    "seq": job.seq,
                    "epoch": job.epoch,
                    "token_hash": job.token_hash,
                    "phase": phase,
                    "progressed": True,
                },
            )
            if lease is None:
                raise StaleLease
            attempt = Attempt(job.project_id, lease["worker_id"], job.id, job.epoch)
            await record_run(connection, self._redactor, attempt, phase, message, payload)

    async def upload(self, job: ClaimedJob, name: str, content: bytes | Path, kind: str | None) -> str:
        """Store an artifact of the job; raise StaleLease when the lease is no longer held."""
        lease = HeldLease(job.seq, job.epoch, job.token_hash)
        if isinstance(content, bytes):
            row = await self._gate.store_bytes(job.project_id, lease, name, content, kind)
        else:
            row = await self._gate.store_file(job.project_id, lease, name, content, kind)
        return str(row["id"])

    async def pass_gate(self, job: ClaimedJob, lease: HeldLease) -> tuple[str, str]:
        """Check the job's evidence; give `verified` and the hash of what was checked.

        Raises GateFailed, with every failed check, when it does not pass.
        """
        outcome = await self._gate.check(job.project_id, lease, job.contract, [], command="complete")
        outcome.demand()
        return outcome.verified, outcome.output_hash
