"""The files that a job's workspace begins with, and how one is written into a directory that an agent has used."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.agents.user import AgentUser

GATE_FILE = "gate.json"
GATE_HINT = (
    "The results would not pass. Mend what failed and end with exit code 0 again. What was uploaded stays: "
    "a file of the same name takes the place of the earlier one."
)


@dataclass(frozen=True)
class JobOrder:
    """What an agent is to know of its job. `record` is the job as claimed, with no lease token in it.

    With `inputs_beside` its files stand beside the workspace, for a work tree that they would not belong into.
    Without a `token` the agent has no contract to call. Without a `url` neither the server's address nor the contract
    CLI is given.
    """

    job_id: str
    project_id: str
    epoch: int
    attempt: int
    payload: Any
    record: Mapping[str, Any]
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    worker_id: str | None = None
    inputs_beside: bool = False


@dataclass(frozen=True)
class GateRound:
    """What an agent is told whose results the gate would not take; `failed` are checks, as `verify` names them."""

    number: int
    of: int
    failed: Sequence[Mapping[str, Any]]


def inputs_of(order: JobOrder) -> dict[str, str]:
    """Give the files of a job by their names."""
    texts = {"job.json": as_json(order.record), "payload.json": as_json(order.payload)}
    prompt = order.payload.get("prompt") if isinstance(order.payload, dict) else None
    if isinstance(prompt, str):
        texts["prompt.md"] = prompt
    return texts


def write_inputs(work: Path, order: JobOrder) -> list[Path]:
    """Write a job's files into a directory that no agent has used yet; give their paths."""
    texts = inputs_of(order)
    for name, text in texts.items():
        (work / name).write_text(text, encoding="utf-8", errors="surrogatepass")
        (work / name).chmod(0o600)
    return [work / name for name in texts]


def write_gate(work: Path, gate: GateRound, user: AgentUser) -> None:
    told = {"round": gate.number, "of": gate.of, "failed": list(gate.failed), "hint": GATE_HINT}
    write_into_agents_own(work, GATE_FILE, as_json(told), user)


def write_into_agents_own(directory: Path, name: str, text: str, user: AgentUser) -> None:
    """Write a file into a directory that an agent owns and has used: never through a link that it left there."""
    fresh = f".{name}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.fdopen(os.open(fresh, flags, 0o600, dir_fd=opened), "wb") as file:
            file.write(text.encode("utf-8", "surrogatepass"))
            if user.other:
                os.fchown(file.fileno(), user.uid, user.gid)
        os.replace(fresh, name, src_dir_fd=opened, dst_dir_fd=opened)
    finally:
        os.close(opened)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
