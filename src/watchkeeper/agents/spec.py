"""What a session is to run, and the way from there to its orders: directory, scope, spec.json."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.agents import records, scope
from watchkeeper.agents.launch import Orders
from watchkeeper.agents.user import AgentUser
from watchkeeper.host.processes import ProcReader


@dataclass(frozen=True)
class SessionSpec:
    """What to run. Times in seconds, sizes in bytes.

    `directory` is made, 0700, and must not exist. `environment` is the agent's whole environment but for the
    marker, which is added. `home` names the installation that scopes belong to. `facts` (JSON) is kept for
    whoever adopts the session: job, epoch, kind; a secret in it is as safe as the directory.
    `stdin` is a file for the agent to read, /dev/null without one; ours to open, so that it need not be the agent's.
    `output_limit_bytes` bounds each of stdout and stderr. `shared_daemons` are paths or file names of
    executables to report and spare. `lock` is a file, in a place that is not the agent's, that no two sessions hold at
    once: its shim keeps it until nothing of the session is left.
    """

    directory: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    workspace: Path
    user: AgentUser
    home: Path
    stdin: Path | None = None
    hard_cap_seconds: float | None = None
    grace_seconds: float = 10.0
    kill_seconds: float = 10.0
    output_limit_bytes: int | None = 1024 * 1024 * 1024
    limits: scope.Limits = scope.NO_LIMITS
    rlimits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"CORE": (0, 0)})
    shared_daemons: Sequence[str] = ()
    lock: Path | None = None
    use_scope: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


def write_orders(spec: SessionSpec) -> None:
    """Make the scope, and write what a sweep needs before what makes the shim start."""
    reader = ProcReader()
    marker = secrets.token_hex(16)
    made: scope.Scope | None
    made, held = (None, ()) if not spec.use_scope else scope.make(spec.home, f"s-{marker[:16]}", spec.limits)
    place = str(made.path) if made is not None else None
    about = {
        "marker": marker,
        "uid": spec.user.uid,
        "boot_id": reader.boot_id,
        "pid_ns": reader.pid_ns,
        "scope": place,
        "grace_seconds": spec.grace_seconds,
        "kill_seconds": spec.kill_seconds,
        "shared_daemons": list(spec.shared_daemons),
    }
    kept = {"limits": held, "workspace": str(spec.workspace), "facts": dict(spec.facts)}
    records.write_record(spec.directory / records.SESSION, about | kept)
    orders = Orders(
        command=list(spec.command),
        environment={**spec.environment, records.MARKER: marker},
        workspace=str(spec.workspace),
        stdin=os.devnull if spec.stdin is None else str(spec.stdin),
        marker=marker,
        uid=spec.user.uid,
        gid=spec.user.gid,
        groups=list(spec.user.groups),
        change_user=spec.user.other,
        rlimits={name: list(pair) for name, pair in spec.rlimits.items()},
        hard_cap_seconds=spec.hard_cap_seconds,
        grace_seconds=spec.grace_seconds,
        kill_seconds=spec.kill_seconds,
        output_limit_bytes=spec.output_limit_bytes,
        scope=place,
        shared_daemons=list(spec.shared_daemons),
        lock=None if spec.lock is None else str(spec.lock),
        cpus=None if spec.limits.cpu_cores is None or "cpu" in held else math.ceil(spec.limits.cpu_cores),
    )
    records.write_record(spec.directory / records.SPEC, orders._asdict())
