"""Types: Planned, decided, carried out, undone.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Repair(TypedDict):
    action: NotRequired[str | None]
    actor: NotRequired[str | None]
    authority: NotRequired[str | None]
    created_at: NotRequired[str | None]
    id: NotRequired[str | None]
    plan: NotRequired[RepairsPlan | None]
    plan_digest: NotRequired[str | None]
    reason: NotRequired[str | None]
    result: NotRequired[Any]
    state: NotRequired[str | None]
    trigger: NotRequired[str | None]


class RepairBody(TypedDict):
    """A repair of exactly one job, worker or kind."""

    action: Literal[
        "touch",
        "retry",
        "mark_stuck",
        "release",
        "reclaim",
        "mark_stale",
        "ask_renewal",
        "requeue",
        "resume",
        "pause",
        "fail",
        "block_complete",
        "retouch",
        "stop_worker",
        "resume_worker",
        "pause_kind",
        "fail_kind",
    ]
    authority: NotRequired[Literal["worker", "supervisor", "system"] | None]
    dry_run: NotRequired[bool]
    id: NotRequired[str | None]
    incident: NotRequired[str | None]
    job: NotRequired[str | None]
    job_id: NotRequired[str | None]
    kind: NotRequired[str | None]
    on_behalf_of: NotRequired[str | None]
    reason: NotRequired[str | None]
    result: NotRequired[Literal["needs_human"] | None]
    trigger: NotRequired[str | None]
    worker: NotRequired[str | None]


class RepairsApproveAnswer(TypedDict):
    ok: bool
    repair: Repair


class RepairsAskAnswer(TypedDict):
    ok: bool
    repair: Repair


class RepairsListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    repairs: list[Repair]


class RepairsPlan(TypedDict):
    action: NotRequired[str | None]
    authority: NotRequired[str | None]
    blast_radius: NotRequired[str | None]
    preconditions: NotRequired[RepairsPreconditions | None]
    steps: NotRequired[list[str] | None]
    target: NotRequired[RepairsTarget | None]
    undo: NotRequired[str | None]


class RepairsPreconditions(TypedDict):
    epoch: NotRequired[int | None]
    state: NotRequired[str | None]


class RepairsRejectAnswer(TypedDict):
    ok: bool
    repair: Repair


class RepairsRollBackAnswer(TypedDict):
    ok: bool
    repair: Repair


class RepairsShowAnswer(TypedDict):
    ok: bool
    repair: Repair


class RepairsTarget(TypedDict):
    id: NotRequired[str | None]
    what: NotRequired[str | None]


class RepairsWithdrawAnswer(TypedDict):
    ok: bool
    repair: Repair


class SaidBody(TypedDict):
    """A word that needs no plan."""

    dry_run: NotRequired[bool]
    reason: str


class WordBody(TypedDict):
    """A person's word."""

    dry_run: NotRequired[bool]
    plan_digest: NotRequired[str | None]
    reason: str
