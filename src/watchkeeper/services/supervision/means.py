"""What every attempt of a supervisor works with, and what is kept of a claim."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.agents.adapter import Adapter
from watchkeeper.agents.spawning import Spawn, spawn_shim
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.services.supervision.config import SessionConfig
from watchkeeper.services.supervision.contract_host import ContractHost
from watchkeeper.services.supervision.desk import JobDesk
from watchkeeper.services.supervision.observing import Picture
from watchkeeper.services.supervision.seams import SessionRecords, Unrecorded


@dataclass(frozen=True)
class Means:
    """What every attempt of a supervisor works with. Without a `contract_host` agents have no tools of ours."""

    config: SessionConfig
    worker_id: str
    workspaces: Workspaces
    desk: JobDesk
    adapter: Adapter
    contract_host: ContractHost | None = None
    session_records: SessionRecords = field(default_factory=Unrecorded)
    spawn: Spawn = spawn_shim
    picture: Picture = field(default_factory=Picture)


def facts_of(job: dict[str, Any], sent_at: float) -> dict[str, Any]:
    """Give what is kept of a claim; `sent_at` is the boot clock when it was asked for."""
    kept = {name: value for name, value in job.items() if name != "lease_token"}
    return {"job": kept, "lease": job["lease_token"], "sent_at": sent_at, "claimed_at": time.time()}
