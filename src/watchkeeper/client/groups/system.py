"""Life, readiness, metrics, and the stream of changes.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.system import SystemHealthzAnswer, SystemReadyzAnswer


class SystemEventsSaid(TypedDict, total=False):
    topic: list[str] | None
    project: str


class SystemHealthzSaid(TypedDict, total=False):
    """Nothing: system.healthz takes no options."""


class SystemMetricsSaid(TypedDict, total=False):
    project: str


class SystemReadyzSaid(TypedDict, total=False):
    """Nothing: system.readyz takes no options."""


_EVENTS = Operation("GET", "/events", ("topic",))

_HEALTHZ = Operation("GET", "/healthz")

_METRICS = Operation("GET", "/metrics")

_READYZ = Operation("GET", "/readyz")


class SystemGroup(Group):
    """Life, readiness, metrics, and the stream of changes."""

    def events(self, **said: Unpack[SystemEventsSaid]) -> Iterator[Any]:
        """Tell."""
        return self._connection.events(_EVENTS, said)

    def healthz(self, **said: Unpack[SystemHealthzSaid]) -> SystemHealthzAnswer:
        """Say that this process serves."""
        return cast("SystemHealthzAnswer", self._connection.json(_HEALTHZ, {}, said))

    def metrics(self, **said: Unpack[SystemMetricsSaid]) -> str:
        """Give the metrics of the token's project."""
        return self._connection.content(_METRICS, {}, said).decode()

    def readyz(self, **said: Unpack[SystemReadyzSaid]) -> SystemReadyzAnswer:
        """Say that the database answers and has the schema that this program knows."""
        return cast("SystemReadyzAnswer", self._connection.json(_READYZ, {}, said))
