"""What tells people: the outbox, its channels, its readers, and the ping to somebody outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.alerting import AlertTimes
from watchkeeper.domain.policies import Policy
from watchkeeper.services.alert_reading import Alerts
from watchkeeper.services.channels import Channels
from watchkeeper.services.dead_man import DeadMan
from watchkeeper.services.duties import Duty
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.maintenance import MaintenanceConfig
from watchkeeper.services.notifiers.console import ConsoleNotifier
from watchkeeper.services.notifiers.port import Notifier
from watchkeeper.services.notifiers.webhook import WebhookNotifier
from watchkeeper.services.outbox import Outbox
from watchkeeper.services.outward import Outward


@dataclass(frozen=True, slots=True)
class AlertParts:
    """The parts of the alert outbox, for one database."""

    outbox: Outbox
    alerts: Alerts
    channels: Channels
    dead_man: DeadMan | None

    def duties(self) -> list[Duty]:
        return [self.outbox.duty(), *([] if self.dead_man is None else [self.dead_man.duty()])]


def alert_parts(core: Core, incidents: Incidents, policy: Callable[[], Policy] = Policy) -> AlertParts:
    """Put together what tells people."""
    settings, database, redactor = core.settings, core.database, core.redactor
    outward = Outward(fetch_config(settings))
    notifiers: Mapping[str, Notifier] = {
        "console": ConsoleNotifier(),
        "webhook": WebhookNotifier(outward),
    }
    outbox = Outbox(
        database, redactor, notifiers, policy, AlertTimes(repair_first=settings.repair_first_seconds)
    )
    dead_man = None
    if settings.dead_man_url is not None:
        dead_man = DeadMan(
            settings.dead_man_url,
            database,
            interval_seconds=settings.dead_man_seconds,
            gap_seconds=MaintenanceConfig().gap_seconds,
        )
    return AlertParts(
        outbox,
        Alerts(database, redactor, outbox.planning, incidents),
        Channels(database, redactor, notifiers, outward),
        dead_man,
    )
