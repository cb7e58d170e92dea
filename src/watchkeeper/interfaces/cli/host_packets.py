"""The event packets of this machine, as `host triage` tells them and `host remediate` asks with them."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.host_guard.evidence import Lane
from watchkeeper.domain.host_guard.packet import Told, packet
from watchkeeper.domain.redaction import Redactor
from watchkeeper.host.scan import ScanError
from watchkeeper.interfaces.cli import host_export
from watchkeeper.services.host_guard.export import HostExport

TO_TELL_OF = {Lane.ORPHAN, Lane.CI, Lane.UNPROVEN, Lane.UNKNOWN}


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
    packets = [
        packet(
            one,
            Told(socket.gethostname(), seen.scan, seen.windows.get(one.group.root.key, ()), redactor.redact),
        )
        for one in seen.judged
        if (pid is None and one.judgement.lane in TO_TELL_OF)
        or pid in {member.key.pid for member in one.group.members}
    ]
    if pid is not None and not packets:
        raise NotFound(
            f"process {pid} is in no group", hint="'watchkeeper host export --json' lists the groups."
        )
    return packets
