"""What watches, tells and mends."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.services.notifiers.console import ConsoleNotifier
from watchkeeper.services.outbox import Outbox


@dataclass(frozen=True, slots=True)
class WatchdogParts:
    """The parts of the watchdog, for one database."""

    outbox: Outbox


def watchdog_parts(core: Core) -> WatchdogParts:
    """Put together what watches over the queue."""
    return WatchdogParts(outbox=Outbox(core.database, core.redactor, {"console": ConsoleNotifier()}))
