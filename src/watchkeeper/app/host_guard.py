"""The host guard of the machine that `watch` runs on; a server never loads it, since it looks at processes."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.app.whole import App
from watchkeeper.domain.host_guard.evidence import ENDING_SECONDS
from watchkeeper.services.duties import Duty
from watchkeeper.services.host_guard.acting import HostActing
from watchkeeper.services.host_guard.concluding import Concluding
from watchkeeper.services.host_guard.export import HostExport
from watchkeeper.services.host_guard.ledger_keeping import LedgerKeeping
from watchkeeper.services.host_guard.looking import Looking
from watchkeeper.services.host_guard.post_checks import PostChecks
from watchkeeper.services.host_guard.reporting import HostReporting
from watchkeeper.services.host_guard.scanning import Scanning
from watchkeeper.services.host_guard.triage import Triage
from watchkeeper.services.repairs.records import RepairRecords


@dataclass(frozen=True, slots=True)
class HostGuard:
    """Its services. Where no directory is set for the metrics, the database is told all the same."""

    ledger: LedgerKeeping
    scanning: Scanning
    reporting: HostReporting
    looking: Looking
    acting: HostActing
    post_checks: PostChecks

    def duties(self) -> list[Duty]:
        seeing = [self.ledger.duty(), self.scanning.duty(), self.reporting.duty()]
        return [*seeing, self.acting.duty(), self.post_checks.duty()]


def host_guard(app: App, *, ending_seconds: float = ENDING_SECONDS, proc: Path = Path("/proc")) -> HostGuard:
    """Put the host guard together.

    What is left of a session that ended less than `ending_seconds` ago may be swept by its own shim still.
    """
    state, host = app.settings.home / "host", socket.gethostname()
    export = HostExport(proc, state, app.settings.host_textfile_dir)
    triage, names = Triage(app.redactor.redact, host), app.settings.host_names
    reporting = HostReporting(app.database, app.watchdog.host.packets, triage, export.look, names)
    policy, records = app.watchdog.policies.current, RepairRecords(app.redactor)
    ledger = LedgerKeeping(app.database, state)
    looking = Looking(ledger, proc, ending_seconds=ending_seconds)
    concluding = Concluding(records, policy)
    return HostGuard(
        ledger,
        Scanning(state, export, reporting),
        reporting,
        looking,
        HostActing(app.database, records, looking, concluding, app.settings.host_limits, host),
        PostChecks(app.database, looking, concluding, policy, host),
    )
