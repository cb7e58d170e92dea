"""What a rule finds: the rule, what it is about, and the facts that it rests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.rules.names import RuleName


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's sentence about one thing, at one time.

    `identity` is what the rule is about, and with the project and the rule makes the fingerprint: a job's id, a
    worker's name, a kind. It holds nothing that changes while the trouble lasts. `evidence` is JSON, redacted by who
    recorded its facts; `evidence_ref` names the row to look at (`helper_event:ID`, `artifact_check:ID`). `cause` is
    the class of the trouble in a word, from the rule's own list.
    """

    project_id: str
    rule: RuleName
    identity: tuple[str, ...]
    found_at: datetime
    cause: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    evidence_ref: str | None = None
    job_id: UUID | None = None
    worker_id: str | None = None
    kind: str | None = None
    is_mirrored: bool = False

    @property
    def fingerprint(self) -> str:
        """Give the SHA-256 of project, rule and identity, by which findings are one incident."""
        return hashlib.sha256(
            json.dumps([self.project_id, self.rule, *self.identity], ensure_ascii=False).encode()
        ).hexdigest()


def of_worker_and_job(worker_id: str | None, job_id: object | None) -> tuple[str, ...]:
    """Give the identity of what a worker did at a job, by whichever way it is heard of; either may be unknown."""
    parts = (("worker", worker_id), ("job", job_id))
    return tuple(text for name, part in parts if part is not None for text in (name, str(part)))
