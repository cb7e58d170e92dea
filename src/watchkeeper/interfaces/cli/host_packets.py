"""The event packets of this machine, as `host triage` tells them and `host remediate` asks with them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.host.scan import ScanError
from watchkeeper.interfaces.cli import host_export
from watchkeeper.services.host_guard.export import HostExport
from watchkeeper.services.host_guard.triage import Triage


def packets_here(
    *, pid: int | None = None, state: Path | None = None, proc: Path = Path("/proc")
) -> list[dict[str, Any]]:
    """Give the packets of all that matters, or of the group of one process; raise NotFound where it is in none."""
    place = state or host_export.state_directory()
    try:
        seen = HostExport(proc, place, place).look(time.time())
    except ScanError as error:
        raise UsageError(str(error), hint="Give --proc a mounted /proc.") from error
    redactor = Redactor(
        value for name, value in os.environ.items() if name.endswith(("TOKEN", "KEY", "SECRET"))
    )
    desk = Triage(redactor.redact)
    packets = desk.of_all(seen) if pid is None else desk.of_process(seen, pid)
    if pid is not None and not packets:
        raise NotFound(
            f"process {pid} is in no group", hint="'watchkeeper host export --json' lists the groups."
        )
    return packets
