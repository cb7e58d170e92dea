"""What a claim hands out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from watchkeeper.domain.leases import LeaseToken

MAX_CLAIM_SECONDS = 3600
"""How long one claim may wait for a job."""

MAX_CLAIMED_AT_ONCE = 100


@dataclass(eq=False)
class ClaimedJob:
    """A job under a live lease, as its holder gets it.

    The fields stand in the order of the claim query's columns. Not frozen, and its payload parsed at first use: tens of
    thousands are made a second.
    """

    seq: int
    id: str
    kind: str
    project_id: str
    payload_text: str
    contract: Any
    epoch: int
    secret: str
    token_hash: bytes
    lease_seconds: int
    lease_expires_at: datetime
    external_id: str | None
    deliverable_id: str | None
    is_shadow: bool
    hard_cap_minutes: float | None
    progress_deadline_minutes: float | None
    tool_limit_minutes: float | None
    redelivered: bool = False

    @cached_property
    def payload(self) -> Any:
        return json.loads(self.payload_text)

    @property
    def token(self) -> LeaseToken:
        return LeaseToken(self.epoch, self.secret)
