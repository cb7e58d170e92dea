"""What the server knows of hosts: alerts, packets, readings. It looks at no process; `app.host_guard` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.host_guard.packets import HostPackets
from watchkeeper.services.host_guard.readiness import HostReadiness
from watchkeeper.services.host_guard.reading import HostReading
from watchkeeper.services.host_guard.receiving import AlertReceiving


@dataclass(frozen=True, slots=True)
class HostParts:
    """Its services."""

    receiving: AlertReceiving
    packets: HostPackets
    reading: HostReading
    readiness: HostReadiness


def host_parts(core: Core, policy: Callable[[], Policy]) -> HostParts:
    """Put them together."""
    reading = HostReading(core.database)
    return HostParts(
        AlertReceiving(core.database, core.redactor, policy),
        HostPackets(core.database, core.redactor),
        reading,
        HostReadiness(core.database, reading),
    )
