"""Decisions that wait for a person.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.proposals import (
    AdoptionStatus,
    Proposal,
    ProposalBody,
    ProposalsAcceptAnswer,
    ProposalsListAnswer,
    ProposalsMakeAnswer,
    ProposalsRejectAnswer,
    ProposalsShowAnswer,
    ProposalsUndoAnswer,
)
from watchkeeper.client.types.shared import DecisionBody, ReasonBody


class ProposalsListSaid(TypedDict, total=False):
    status: AdoptionStatus | None
    limit: int
    cursor: str | None
    format: Literal["json", "csv"]
    project: str


class ProposalsMakeSaid(ProposalBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ProposalsShowSaid(TypedDict, total=False):
    project: str


class ProposalsAcceptSaid(DecisionBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class ProposalsRejectSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class ProposalsUndoSaid(DecisionBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


_LIST = Operation("GET", "/api/proposals", ("status", "limit", "cursor", "format"))

_MAKE = Operation("POST", "/api/proposals", (), takes_key=True)

_SHOW = Operation("GET", "/api/proposals/{proposal_id}")

_ACCEPT = Operation("POST", "/api/proposals/{proposal_id}/accept", (), takes_key=True)

_REJECT = Operation("POST", "/api/proposals/{proposal_id}/reject", (), takes_key=True)

_UNDO = Operation("POST", "/api/proposals/{proposal_id}/undo", (), takes_key=True)


class ProposalsGroup(Group):
    """Decisions that wait for a person."""

    def list(self, **said: Unpack[ProposalsListSaid]) -> ProposalsListAnswer:
        """List proposals, the newest first."""
        return cast("ProposalsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[ProposalsListSaid]) -> Iterator[Proposal]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "proposals")

    def make(self, **said: Unpack[ProposalsMakeSaid]) -> ProposalsMakeAnswer:
        """Put a decision before people."""
        return cast("ProposalsMakeAnswer", self._connection.json(_MAKE, {}, said))

    def show(self, proposal_id: str, **said: Unpack[ProposalsShowSaid]) -> ProposalsShowAnswer:
        """Give one proposal with its options, reasoning, decision."""
        return cast("ProposalsShowAnswer", self._connection.json(_SHOW, {"proposal_id": proposal_id}, said))

    def accept(self, proposal_id: str, **said: Unpack[ProposalsAcceptSaid]) -> ProposalsAcceptAnswer:
        """Accept a proposal."""
        return cast(
            "ProposalsAcceptAnswer", self._connection.json(_ACCEPT, {"proposal_id": proposal_id}, said)
        )

    def reject(self, proposal_id: str, **said: Unpack[ProposalsRejectSaid]) -> ProposalsRejectAnswer:
        """Reject a proposal."""
        return cast(
            "ProposalsRejectAnswer", self._connection.json(_REJECT, {"proposal_id": proposal_id}, said)
        )

    def undo(self, proposal_id: str, **said: Unpack[ProposalsUndoSaid]) -> ProposalsUndoAnswer:
        """Take back what accepting a proposal changed."""
        return cast("ProposalsUndoAnswer", self._connection.json(_UNDO, {"proposal_id": proposal_id}, said))
