"""Results that came too late.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.reconcile import ReconcileDecideAnswer, ReconcileListAnswer, VerdictBody


class ReconcileListSaid(TypedDict, total=False):
    limit: int
    project: str


class ReconcileDecideSaid(VerdictBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/reconcile", ("limit",))

_DECIDE = Operation("POST", "/api/reconcile/{item_id}/decide", (), takes_key=True)


class ReconcileGroup(Group):
    """Results that came too late."""

    def list(self, **said: Unpack[ReconcileListSaid]) -> ReconcileListAnswer:
        """List completions that came too late and that nobody has decided yet, the newest first."""
        return cast("ReconcileListAnswer", self._connection.json(_LIST, {}, said))

    def decide(self, item_id: str, **said: Unpack[ReconcileDecideSaid]) -> ReconcileDecideAnswer:
        """Say whether the results of a late completion are used."""
        return cast("ReconcileDecideAnswer", self._connection.json(_DECIDE, {"item_id": item_id}, said))
