"""The files of a session directory: what each is called, and how a record is written whole or not at all.

Standard library only, and light: the session shim runs it. docs/sessions.md tells who writes which and when.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SESSION = "session.json"
"""Written by the supervisor before the shim starts: all that a later sweep needs. Holds no secret."""

SPEC = "spec.json"
"""The orders for the shim, environment and job token included; the shim takes it away when it has read it."""

SPEC_TAKEN = "spec.taken"
SPEC_REVOKED = "spec.revoked"
SHIM = "shim.json"
STARTED = "started.json"
INTERRUPT = "interrupt.json"
ENDED = "ended.json"
SWEPT = "swept.json"
STDOUT = "stdout"
STDERR = "stderr"
SHIM_LOG = "shim.log"

MARKER = "WATCHKEEPER_SESSION"
"""The environment variable that tells a session's processes; its value is random for each session."""


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON record, 0600, that is complete and on disk, or not there at all."""
    fresh = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    data = json.dumps(record, indent=1, sort_keys=True).encode()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def read_record(path: Path) -> dict[str, Any] | None:
    """Read a record; None when it is not there, ValueError when somebody else wrote it: ours are whole."""
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return record


def take_spec(directory: Path, name: str) -> bool:
    """Take the orders away; True for exactly one caller, be it the shim or a sweep that revokes them."""
    try:
        (directory / SPEC).rename(directory / name)
    except FileNotFoundError:
        return False
    return True


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
