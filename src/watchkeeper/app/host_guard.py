"""The host guard of the machine that `watch` runs on; a server never loads it, since it looks at processes."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.services.duties import Duty
from watchkeeper.services.host_guard.ledger_keeping import LedgerKeeping
from watchkeeper.services.host_guard.scanning import Scanning


@dataclass(frozen=True, slots=True)
class HostGuard:
    """Its services. `scanning` is None where nobody set a directory for the metrics: then cron scans, or nobody."""

    ledger: LedgerKeeping
    scanning: Scanning | None

    def duties(self) -> list[Duty]:
        own = [] if self.scanning is None else [self.scanning.duty()]
        return [self.ledger.duty(), *own]


def host_guard(core: Core) -> HostGuard:
    """Put the host guard together."""
    state, directory = core.settings.home / "host", core.settings.host_textfile_dir
    scanning = None if directory is None else Scanning(state, directory)
    return HostGuard(LedgerKeeping(core.database, state), scanning)
