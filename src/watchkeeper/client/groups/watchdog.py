"""How queues and workers stand, and why something does not move.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.watchdog import (
    WatchdogNeedsAnswer,
    WatchdogPlsWorkerStatusAnswer,
    WatchdogPulseAnswer,
    WatchdogQueueHealthAnswer,
    WatchdogWhyAnswer,
    WatchdogWorkerStatusAnswer,
)


class WatchdogNeedsSaid(TypedDict, total=False):
    limit: int
    project: str


class WatchdogPlsWorkerStatusSaid(TypedDict, total=False):
    project: str


class WatchdogPulseSaid(TypedDict, total=False):
    project: str


class WatchdogQueueHealthSaid(TypedDict, total=False):
    project: str


class WatchdogWorkerStatusSaid(TypedDict, total=False):
    project: str


class WatchdogWhySaid(TypedDict, total=False):
    of: Literal["job", "kind", "worker"] | None
    project: str


_NEEDS = Operation("GET", "/api/needs", ("limit",))

_PLS_WORKER_STATUS = Operation("GET", "/api/pls/watchdog/workers/{worker_id}/status")

_PULSE = Operation("GET", "/api/reports/pulse")

_QUEUE_HEALTH = Operation("GET", "/api/watchdog/queue-health")

_WORKER_STATUS = Operation("GET", "/api/watchdog/workers/{worker_id}/status")

_WHY = Operation("GET", "/api/why/{subject}", ("of",))


class WatchdogGroup(Group):
    """How queues and workers stand, and why something does not move."""

    def needs(self, **said: Unpack[WatchdogNeedsSaid]) -> WatchdogNeedsAnswer:
        """List what waits for a person."""
        return cast("WatchdogNeedsAnswer", self._connection.json(_NEEDS, {}, said))

    def pls_worker_status(
        self, worker_id: str, **said: Unpack[WatchdogPlsWorkerStatusSaid]
    ) -> WatchdogPlsWorkerStatusAnswer:
        """The same under the path that other programs call."""
        return cast(
            "WatchdogPlsWorkerStatusAnswer",
            self._connection.json(_PLS_WORKER_STATUS, {"worker_id": worker_id}, said),
        )

    def pulse(self, **said: Unpack[WatchdogPulseSaid]) -> WatchdogPulseAnswer:
        """Say whether work advances."""
        return cast("WatchdogPulseAnswer", self._connection.json(_PULSE, {}, said))

    def queue_health(self, **said: Unpack[WatchdogQueueHealthSaid]) -> WatchdogQueueHealthAnswer:
        """Say of each kind what waits, what runs."""
        return cast("WatchdogQueueHealthAnswer", self._connection.json(_QUEUE_HEALTH, {}, said))

    def worker_status(
        self, worker_id: str, **said: Unpack[WatchdogWorkerStatusSaid]
    ) -> WatchdogWorkerStatusAnswer:
        """Say how a worker fares, on what it is stuck."""
        return cast(
            "WatchdogWorkerStatusAnswer",
            self._connection.json(_WORKER_STATUS, {"worker_id": worker_id}, said),
        )

    def why(self, subject: str, **said: Unpack[WatchdogWhySaid]) -> WatchdogWhyAnswer:
        """Say why a job, a kind or a worker stands as it does, the facts behind it."""
        return cast("WatchdogWhyAnswer", self._connection.json(_WHY, {"subject": subject}, said))
