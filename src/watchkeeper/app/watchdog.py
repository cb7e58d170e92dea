"""The watchdog: what finds trouble, keeps it as incidents, and acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.notifiers.console import ConsoleNotifier
from watchkeeper.services.outbox import Outbox


@dataclass(frozen=True, slots=True)
class WatchdogParts:
    """The watchdog's services."""

    incidents: Incidents
    outbox: Outbox


def watchdog_parts(core: Core) -> WatchdogParts:
    """Put the watchdog together."""
    return WatchdogParts(
        incidents=Incidents(core.database),
        outbox=Outbox(core.database, core.redactor, {"console": ConsoleNotifier()}),
    )
