"""The host guard of the machine that `watch` runs on; a server never loads it, since it looks at processes."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from watchkeeper.app.whole import App
from watchkeeper.domain.host_guard.evidence import ENDING_SECONDS
from watchkeeper.services.duties import Duty
from watchkeeper.services.host_guard.acting import HostActing
from watchkeeper.services.host_guard.concluding import Concluding
from watchkeeper.services.host_guard.ledger_keeping import LedgerKeeping
from watchkeeper.services.host_guard.looking import Looking
from watchkeeper.services.host_guard.post_checks import PostChecks
from watchkeeper.services.host_guard.scanning import Scanning
from watchkeeper.services.repairs.records import RepairRecords


@dataclass(frozen=True, slots=True)
class HostGuard:
    """Its services. `scanning` is None where nobody set a directory for the metrics: then cron scans, or nobody."""

    ledger: LedgerKeeping
    scanning: Scanning | None
    looking: Looking
    acting: HostActing
    post_checks: PostChecks

    def duties(self) -> list[Duty]:
        own = [] if self.scanning is None else [self.scanning.duty()]
        return [self.ledger.duty(), *own, self.acting.duty(), self.post_checks.duty()]


def host_guard(app: App, *, ending_seconds: float = ENDING_SECONDS) -> HostGuard:
    """Put the host guard together.

    What is left of a session that ended less than `ending_seconds` ago may be swept by its own shim still.
    """
    state, directory = app.settings.home / "host", app.settings.host_textfile_dir
    scanning = None if directory is None else Scanning(state, directory)
    policy, records, host = app.watchdog.policies.current, RepairRecords(app.redactor), socket.gethostname()
    ledger = LedgerKeeping(app.database, state)
    looking, concluding = Looking(ledger, ending_seconds=ending_seconds), Concluding(records, policy)
    acting = HostActing(app.database, records, looking, concluding, app.settings.host_limits, host)
    return HostGuard(
        ledger,
        scanning,
        looking,
        acting,
        PostChecks(app.database, looking, concluding, policy, host),
    )
