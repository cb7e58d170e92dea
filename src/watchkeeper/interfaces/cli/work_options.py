"""What `work` was told of its worker, whichever sort of worker it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """What a worker was told of itself on the command line; None is what the setting or the program says."""

    slots: int | None
    kinds: tuple[str, ...]
    project: str | None
    worker_id: str | None
    pool: str
    max_gate_rounds: int | None = None
    agent_env: tuple[str, ...] = ()
    repositories: tuple[Path, ...] = ()
    limits: tuple[str, ...] = ()
