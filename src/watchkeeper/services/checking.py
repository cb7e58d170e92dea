"""The contract's commands that ask the gate: verify, which never changes a job, and complete.

Evidence is checked outside of transactions while the lease is extended (services/verifying.py). `complete` is
repeatable (services/replay.py), also after the server died in the middle: the repeat checks again.
"""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import ContractRejected, GateFailed, JobNotFound, StaleLease, UsageError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.services.gate import Gate, GateOutcome
from watchkeeper.services.holding import Caller, Claim, Holding, find_claim, hold
from watchkeeper.services.late import LateCompletions
from watchkeeper.services.queue import AttemptEnd, Queue
from watchkeeper.services.replay import completed_before
from watchkeeper.services.runs import Attempt, record_run
from watchkeeper.services.verifying import Verifying
from watchkeeper.storage.database import Database
from watchkeeper.storage.jobs import Completion


class Checking:
    """What the holder of a job may ask of the gate."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        gate: Gate,
        late: LateCompletions,
        redactor: Redactor,
        verifying: Verifying,
    ) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._late = late
        self._redactor = redactor
        self._verifying = verifying

    async def verify(
        self, caller: Caller, job: str, url: str | None = None, artifacts: Any = None
    ) -> dict[str, Any]:
        """Check a job's evidence as `complete` would; never changes the job.

        Claimed is the page at `url`, or what `artifacts` names; with neither, all that was uploaded.
        """
        if url is not None and artifacts is not None:
            raise UsageError("verify takes a url or artifacts, not both")
        claimed = [] if artifacts is None else ClaimedArtifact.parse_all(artifacts)
        async with self._database.transaction() as connection:
            claim = await find_claim(connection, caller, job)
            holding = await hold(connection, caller.project_id, claim, phase="verify")
            attempt = Attempt(caller.project_id, holding.worker_id, claim.job_id, claim.epoch)
            await record_run(connection, self._redactor, attempt, "verify")
        contract = await self._contract_of(caller.project_id, claim)
        claimed = claimed if url is None else [_claim_of(contract, url)]
        check = self._gate.check(caller.project_id, holding.lease, contract, claimed, command="verify")
        outcome = await self._verifying.during(caller.project_id, holding, check)
        return outcome.to_json()

    async def complete(self, caller: Caller, job: str, summary: str, artifacts: Any) -> dict[str, Any]:
        """Complete a job, if the gate passes.

        Raises ContractRejected (the job goes on), GateFailed (policy has decided what becomes of the job), or
        StaleLease; what came too late is kept for a person.
        """
        claimed = ClaimedArtifact.parse_all(artifacts)
        body = {"summary": self._text(summary), "artifacts": self._redactor.redact_data(artifacts)}
        try:
            async with self._database.transaction() as connection:
                claim = await find_claim(connection, caller, job)
        except JobNotFound:
            await self._late.keep_unknown_job(caller, job, "complete", body)
            raise
        try:
            if (
                done := await completed_before(self._database, caller.project_id, claim, claimed)
            ) is not None:
                return done
            holding = await self._hold(caller.project_id, claim, "verifying")
            contract = await self._contract_of(caller.project_id, claim)
            check = self._gate.check(caller.project_id, holding.lease, contract, claimed, command="complete")
            outcome = await self._verifying.during(caller.project_id, holding, check)
            return await self._conclude(caller.project_id, holding, outcome, body["summary"])
        except StaleLease:
            done = await self._done_meanwhile(caller, claim, claimed)
            if done is None:
                await self._late.keep(caller, claim, "complete", body)
                raise
            return done

    async def _done_meanwhile(
        self, caller: Caller, claim: Claim, claimed: list[ClaimedArtifact]
    ) -> dict[str, Any] | None:
        """Give what the same command came to, which, sent twice, may have ended the attempt while this one checked."""
        try:
            return await completed_before(self._database, caller.project_id, claim, claimed)
        except StaleLease:
            return None

    async def _conclude(
        self, project_id: str, holding: Holding, outcome: GateOutcome, summary: str
    ) -> dict[str, Any]:
        if outcome.rejected:
            await self._hold(project_id, holding.claim, "complete")
            raise ContractRejected(failed=outcome.failed)
        actor = f"worker:{holding.worker_id}"
        if outcome.failed:
            await self._block(project_id, holding, outcome, actor)
        completion = Completion(holding.lease, outcome.verified, summary, outcome.output_hash)
        async with self._database.transaction() as connection:
            if not await self._queue.complete(project_id, actor, [completion], connection=connection):
                raise StaleLease
            await self._gate.keep_snapshots(connection, project_id, holding.lease, outcome)
        return {"status": "completed", "verified": outcome.verified}

    async def _block(self, project_id: str, holding: Holding, outcome: GateOutcome, actor: str) -> None:
        error = f"the gate failed: {', '.join(check['check'] for check in outcome.failed)}"
        end = AttemptEnd(holding.lease, AttemptCause.GATE, error)
        ended = await self._queue.end(
            project_id, actor, [end], output_hash=outcome.output_hash, detail={"failed": outcome.failed}
        )
        if (row := ended.get(holding.claim.seq)) is None:
            raise StaleLease
        raise GateFailed(failed=outcome.failed, status=row["state"])

    async def _hold(self, project_id: str, claim: Claim, phase: str) -> Holding:
        async with self._database.transaction() as connection:
            return await hold(connection, project_id, claim, phase=phase)

    async def _contract_of(self, project_id: str, claim: Claim) -> Any:
        row = await self._database.fetch_one("job_contract", {"project_id": project_id, "seq": claim.seq})
        return None if row is None else row["contract"]

    def _text(self, text: str) -> str:
        return self._redactor.redact(text)[:MAX_KEPT_CHARS]


def _claim_of(contract: Any, url: str) -> ClaimedArtifact:
    """Claim an address as the primary, of a kind that the contract takes."""
    kinds = None if contract is None else ResultContract.parse(contract).primary_kinds
    kind = ArtifactKind.HTML_PAGE
    if kinds is not None and kind not in kinds:
        kind = ArtifactKind.SHARED_CLOUD if ArtifactKind.SHARED_CLOUD in kinds else min(kinds)
    return ClaimedArtifact.parse({"kind": kind.value, "url": url, "primary": True})
