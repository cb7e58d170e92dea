"""The duty of the alert outbox: plan what people are told, then send what is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchkeeper.domain.alerting import AlertTimes
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.alert_delivery import AlertDelivery, DeliveryConfig
from watchkeeper.services.alert_planning import AlertPlanning
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.notifiers.port import Notifier
from watchkeeper.storage.database import Database

INTERVAL_SECONDS = 5.0


class Outbox:
    """Plans and delivers alerts; safe on many machines at once."""

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        notifiers: Mapping[str, Notifier],
        policy: Callable[[], Policy] = Policy,
        times: AlertTimes | None = None,
        delivery: DeliveryConfig | None = None,
    ) -> None:
        times = times or AlertTimes()
        self._database = database
        self.planning = AlertPlanning(database, redactor, policy, times)
        self._delivery = AlertDelivery(database, redactor, notifiers, policy, times, delivery)

    def duty(self) -> Duty:
        return Duty("alerts", self.run_once, INTERVAL_SECONDS)

    async def run_once(self) -> Ran:
        """Tell what is to be told now; ask to run again when the next alert is due."""
        told, urgent = await self.planning.plan()
        counts = await self._delivery.deliver()
        following = await self._database.fetch_row("next_alert")
        waits = [seconds for seconds in (following["seconds"], urgent) if seconds is not None]
        return Ran({"told": told, **counts}, max(0.1, min(waits)) if waits else None)
