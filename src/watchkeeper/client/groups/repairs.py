"""Planned, decided, carried out, undone.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.repairs import (
    Repair,
    RepairBody,
    RepairsApproveAnswer,
    RepairsAskAnswer,
    RepairsListAnswer,
    RepairsRejectAnswer,
    RepairsRollBackAnswer,
    RepairsShowAnswer,
    RepairsWithdrawAnswer,
    SaidBody,
    WordBody,
)


class RepairsListSaid(TypedDict, total=False):
    state: (
        Literal[
            "proposed",
            "approved",
            "executing",
            "succeeded",
            "failed",
            "needs_human",
            "rolled_back",
            "rejected",
            "expired",
        ]
        | None
    )
    action: str | None
    limit: int
    cursor: str | None
    format: Literal["json", "csv"]
    project: str


class RepairsAskSaid(RepairBody, total=False):
    project: str
    idempotency_key: str


class RepairsShowSaid(TypedDict, total=False):
    project: str


class RepairsApproveSaid(WordBody, total=False):
    project: str
    idempotency_key: str
    if_match: str


class RepairsRejectSaid(SaidBody, total=False):
    project: str
    idempotency_key: str
    if_match: str


class RepairsRollBackSaid(SaidBody, total=False):
    project: str
    idempotency_key: str
    if_match: str


class RepairsWithdrawSaid(SaidBody, total=False):
    project: str
    idempotency_key: str
    if_match: str


_LIST = Operation("GET", "/api/watchdog/repair-actions", ("state", "action", "limit", "cursor", "format"))

_ASK = Operation("POST", "/api/watchdog/repair-actions", (), takes_key=True)

_SHOW = Operation("GET", "/api/watchdog/repair-actions/{repair_id}")

_APPROVE = Operation("POST", "/api/watchdog/repair-actions/{repair_id}/approve", (), takes_key=True)

_REJECT = Operation("POST", "/api/watchdog/repair-actions/{repair_id}/reject", (), takes_key=True)

_ROLL_BACK = Operation("POST", "/api/watchdog/repair-actions/{repair_id}/rollback", (), takes_key=True)

_WITHDRAW = Operation("POST", "/api/watchdog/repair-actions/{repair_id}/withdraw", (), takes_key=True)


class RepairsGroup(Group):
    """Planned, decided, carried out, undone."""

    def list(self, **said: Unpack[RepairsListSaid]) -> RepairsListAnswer:
        """List repairs, the newest first."""
        return cast("RepairsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[RepairsListSaid]) -> Iterator[Repair]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "repairs")

    def ask(self, **said: Unpack[RepairsAskSaid]) -> RepairsAskAnswer:
        """Plan a repair and let it wait for another person's word."""
        return cast("RepairsAskAnswer", self._connection.json(_ASK, {}, said))

    def show(self, repair_id: str, **said: Unpack[RepairsShowSaid]) -> RepairsShowAnswer:
        """Give one repair with its plan, what came of it."""
        return cast("RepairsShowAnswer", self._connection.json(_SHOW, {"repair_id": repair_id}, said))

    def approve(self, repair_id: str, **said: Unpack[RepairsApproveSaid]) -> RepairsApproveAnswer:
        """Approve a repair and carry it out."""
        return cast("RepairsApproveAnswer", self._connection.json(_APPROVE, {"repair_id": repair_id}, said))

    def reject(self, repair_id: str, **said: Unpack[RepairsRejectSaid]) -> RepairsRejectAnswer:
        """Refuse a repair for good."""
        return cast("RepairsRejectAnswer", self._connection.json(_REJECT, {"repair_id": repair_id}, said))

    def roll_back(self, repair_id: str, **said: Unpack[RepairsRollBackSaid]) -> RepairsRollBackAnswer:
        """Undo a repair that succeeded."""
        return cast(
            "RepairsRollBackAnswer", self._connection.json(_ROLL_BACK, {"repair_id": repair_id}, said)
        )

    def withdraw(self, repair_id: str, **said: Unpack[RepairsWithdrawSaid]) -> RepairsWithdrawAnswer:
        """Take one's own word back before it is used."""
        return cast("RepairsWithdrawAnswer", self._connection.json(_WITHDRAW, {"repair_id": repair_id}, said))
