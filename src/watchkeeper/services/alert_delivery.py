"""The outbox is emptied, each channel in a lane of its own: one that hangs holds up no other.

One process at a time chooses for a channel; sending holds no lock. Whoever dies while sending leaves its alerts to be
due again, under the same id: they may come twice, and say so by that id.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from watchkeeper.services.alert_lane import Lane, Lanes
from watchkeeper.storage.database import broken_off

COUNTS = ("sent", "held", "dropped", "put_off", "edited")


class AlertDelivery:
    """Keeps the lanes of one process."""

    def __init__(self, shared: Lanes) -> None:
        self._shared = shared
        self._lanes: dict[tuple[str, str], asyncio.Task[Counter[str]]] = {}

    @property
    def busy(self) -> list[tuple[str, str]]:
        """Give the channels that something is being sent on."""
        return [channel for channel, lane in self._lanes.items() if not lane.done()]

    async def deliver(self, patience: float | None = None) -> Mapping[str, int]:
        """Send what is due; give what came of it. Lanes that take longer than `patience` seconds go on behind."""
        for row in await self._shared.database.fetch("channels_due"):
            channel = (row["project_id"], row["name"])
            if channel not in self._lanes:
                name = f"alerts to {channel[1]}"
                self._lanes[channel] = asyncio.create_task(Lane(self._shared, *channel).run(), name=name)
        counts = Counter(dict.fromkeys(COUNTS, 0))
        if self._lanes:
            await asyncio.wait(self._lanes.values(), timeout=patience)
        for channel in [channel for channel, lane in self._lanes.items() if lane.done()]:
            counts.update(self._lanes.pop(channel).result())
        return counts

    async def stop(self) -> None:
        """Break off what is being sent; safe to repeat."""
        lanes, self._lanes = list(self._lanes.values()), {}
        await broken_off(lanes)
