"""The duty of the alert outbox: plan what people are told, then send what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from watchkeeper.services.alert_delivery import AlertDelivery
from watchkeeper.services.alert_planning import AlertPlanning
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.storage.database import Database

LOOK_SECONDS = 0.5
"""So often it looks whether an incident is new or an alert due; one statement over two small indexes."""

PLAN_SECONDS = 5.0
"""So often all open incidents are gone through."""

PATIENCE_SECONDS = 0.5
"""So long a look waits for the lanes that it started: then the next look is for the other channels."""


class Outbox:
    """Plans and delivers alerts; safe on many machines at once."""

    def __init__(self, database: Database, planning: AlertPlanning, delivery: AlertDelivery) -> None:
        self._database = database
        self.planning = planning
        self._delivery = delivery
        self._plan_at = 0.0

    def duty(self) -> Duty:
        return Duty("alerts", self.look, LOOK_SECONDS, at_end=self._delivery.stop)

    async def run_once(self) -> Ran:
        """Tell what is to be told now, to the end; ask to run again when the next alert is due."""
        told, urgent = await self.planning.plan()
        counts = await self._delivery.deliver()
        look = await self._look()
        waits = [seconds for seconds in (look["seconds"], urgent) if seconds is not None]
        return Ran({"told": told, **counts}, max(0.1, min(waits)) if waits else None)

    async def look(self) -> Ran:
        """Tell what is new, and now and then all that is to be told; wait for no slow channel."""
        now = asyncio.get_running_loop().time()
        look, told, counts = await self._look(), 0, {}
        if now >= self._plan_at:
            told, urgent = await self.planning.plan()
            self._plan_at = now + min(PLAN_SECONDS, PLAN_SECONDS if urgent is None else max(0.1, urgent))
        elif look["is_fresh"]:
            told, _ = await self.planning.plan(fresh=True)
        if told or self._is_due(look) or self._delivery.busy or now >= self._plan_at - PLAN_SECONDS:
            counts = dict(await self._delivery.deliver(PATIENCE_SECONDS))
        return Ran({"told": told, **counts})

    async def stop(self) -> None:
        """Break off what is being sent; safe to repeat."""
        await self._delivery.stop()

    async def _look(self) -> Mapping[str, float | bool | None]:
        return await self._database.fetch_row("outbox_look")

    @staticmethod
    def _is_due(look: Mapping[str, float | bool | None]) -> bool:
        return look["seconds"] is not None and look["seconds"] <= 0
