"""Who claims, what they hold, and the switches.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.shared import Answer, ReasonBody
from watchkeeper.client.types.workers import SwitchBody, WorkersLeasesAnswer, WorkersListAnswer


class WorkersLeasesSaid(TypedDict, total=False):
    limit: int
    project: str


class WorkersSetSwitchSaid(SwitchBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class WorkersListSaid(TypedDict, total=False):
    limit: int
    format: Literal["json", "csv"]
    project: str


class WorkersDrainSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class WorkersResumeSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LEASES = Operation("GET", "/api/leases", ("limit",))

_SET_SWITCH = Operation("POST", "/api/switches/{name}", (), takes_key=True)

_LIST = Operation("GET", "/api/workers", ("limit", "format"))

_DRAIN = Operation("POST", "/api/workers/{worker_id}/drain", (), takes_key=True)

_RESUME = Operation("POST", "/api/workers/{worker_id}/resume", (), takes_key=True)


class WorkersGroup(Group):
    """Who claims, what they hold, and the switches."""

    def leases(self, **said: Unpack[WorkersLeasesSaid]) -> WorkersLeasesAnswer:
        """List live leases, the next to expire first."""
        return cast("WorkersLeasesAnswer", self._connection.json(_LEASES, {}, said))

    def set_switch(self, name: str, **said: Unpack[WorkersSetSwitchSaid]) -> Answer:
        """Turn all claims, or all actions, of the whole installation on or off."""
        return cast("Answer", self._connection.json(_SET_SWITCH, {"name": name}, said))

    def list(self, **said: Unpack[WorkersListSaid]) -> WorkersListAnswer:
        """List workers with their health and what they hold, the live ones first."""
        return cast("WorkersListAnswer", self._connection.json(_LIST, {}, said))

    def drain(self, worker_id: str, **said: Unpack[WorkersDrainSaid]) -> Answer:
        """Let a worker finish what it holds and claim no more."""
        return cast("Answer", self._connection.json(_DRAIN, {"worker_id": worker_id}, said))

    def resume(self, worker_id: str, **said: Unpack[WorkersResumeSaid]) -> Answer:
        """Let a draining or stopped worker claim again."""
        return cast("Answer", self._connection.json(_RESUME, {"worker_id": worker_id}, said))
