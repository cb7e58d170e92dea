"""Types: Decisions that wait for a person.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

AdoptionStatus = Literal["proposed", "accepted", "rejected", "withdrawn", "undone"]


class Proposal(TypedDict):
    adoption_status: NotRequired[str | None]
    decision: NotRequired[str | None]
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    occurrences: NotRequired[int | None]


class ProposalBody(TypedDict):
    decision: str
    feedback_if_rejected: NotRequired[str | None]
    fingerprint: NotRequired[str | None]
    kind: str
    landing_path: NotRequired[str | None]
    options: NotRequired[list[str]]
    problem: str
    reason: NotRequired[str | None]
    reasoning: str
    recommendation: str
    subject: NotRequired[dict[str, Any]]


class ProposalsAcceptAnswer(TypedDict):
    ok: bool
    proposal: Proposal


class ProposalsListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    proposals: list[Proposal]


class ProposalsMakeAnswer(TypedDict):
    ok: bool
    proposal: Proposal


class ProposalsRejectAnswer(TypedDict):
    ok: bool
    proposal: Proposal


class ProposalsShowAnswer(TypedDict):
    ok: bool
    proposal: Proposal


class ProposalsUndoAnswer(TypedDict):
    ok: bool
    proposal: Proposal
