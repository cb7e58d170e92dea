"""The job that a guarded helper handed out, and what is known of it by now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.domain.foreign_lease import ForeignLease
from watchkeeper.domain.handover import Handover
from watchkeeper.domain.helper_answers import HelperJob, Reply
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.json_in_text import read_time
from watchkeeper.services.relay.reports import ordered_id


@dataclass
class HeldJob:
    """One job. `claim` is the claim's own answer; `shared` are addresses of files, by name.

    `attempt_id` names this claim in every report of it; None of a job that was claimed past us.
    """

    id: str
    kind: str | None
    deliverable_id: str | None
    contract: Any
    record: dict[str, Any]
    lease: ForeignLease
    claim: str = ""
    was_used: bool = False
    shared: dict[str, str] = field(default_factory=dict)
    handover: Handover | None = None
    attempt_id: str | None = None

    @classmethod
    def of(cls, job: HelperJob, config: HelperConfig, claim: str) -> HeldJob:
        lease = ForeignLease.told(config, job.lease_expires_at, datetime.now(UTC))
        held = cls(job.id, job.kind, job.deliverable_id, job.contract, dict(job.record), lease, claim)
        held.attempt_id = ordered_id()
        return held

    @classmethod
    def named(cls, job: str, config: HelperConfig) -> HeldJob:
        """A job of which no more than its id is known: it was claimed past us."""
        return cls(job, None, None, None, {}, ForeignLease(config, None), was_used=True)

    @property
    def lease_token(self) -> str | None:
        """Give the token that our own server hands out with a job; a foreign queue has none."""
        token = self.record.get("lease_token")
        return token if isinstance(token, str) else None

    def learn(self, reply: Reply, contract: Any) -> None:
        """Take in what a good answer on this job tells."""
        self.was_used = True
        self.deliverable_id = reply.deliverable_id or self.deliverable_id
        self.contract = contract if contract is not None else self.contract
        self.lease.renewed(reply.lease_expires_at, datetime.now(UTC))

    def as_claimed(self) -> HelperJob:
        """Give the job as a claim gave it."""
        return HelperJob(self.id, self.kind, self.deliverable_id)

    def to_json(self) -> dict[str, Any]:
        ends = self.lease.expires_at
        return {
            "id": self.id,
            "kind": self.kind,
            "deliverable_id": self.deliverable_id,
            "contract": self.contract,
            "record": self.record,
            "lease_expires_at": ends and ends.isoformat(),
            "lease_seconds": self.lease.length and self.lease.length.total_seconds(),
            "claim": self.claim,
            "attempt_id": self.attempt_id,
            "was_used": self.was_used,
            "shared": self.shared,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any], config: HelperConfig) -> HeldJob:
        """Read what `to_json` gave; raises KeyError or TypeError for else."""
        lease = ForeignLease(config, read_time(kept["lease_expires_at"]))
        if kept["lease_seconds"] is not None:
            lease.length = timedelta(seconds=kept["lease_seconds"])
        held = cls(kept["id"], kept["kind"], kept["deliverable_id"], kept["contract"], kept["record"], lease)
        held.claim, held.was_used, held.shared = kept["claim"], kept["was_used"], kept["shared"]
        held.attempt_id = kept.get("attempt_id")
        return held
