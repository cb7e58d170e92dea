"""What the session tests share: who lives, and what starts a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from watchkeeper.agents import scope
from watchkeeper.agents.session import Session
from watchkeeper.host.processes import ProcReader

PATH = "/usr/local/bin:/usr/bin:/bin"
Run = Callable[..., Session]


def remove_scopes(home: Path) -> None:
    """Remove a home's scopes in which nothing lives any more, which a test that ended early has left."""
    for base in scope.bases():
        for path in (base / scope.home_hash(home)).glob("s-*"):
            scope.Scope(path).remove()
    scope.remove_empty_homes()


def living(nonce: str) -> list[int]:
    """Give the pids of live processes with the nonce in their arguments."""
    reader = ProcReader()
    found = []
    for pid, process in reader.table().items():
        try:
            arguments = (reader.root / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        if process.alive and nonce.encode() in arguments and pid != os.getpid():
            found.append(pid)
    return found
