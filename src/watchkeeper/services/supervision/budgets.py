"""What one job's sessions may use together, and which limit of it is passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.domain.jobs import StateReason
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.steps import GiveUp
from watchkeeper.services.supervision.workspace_look import WorkspaceLook


def passed_limit(
    limits: Mapping[str, Any], known: Conversation, workspace: WorkspaceLook | None, most_bytes: int
) -> GiveUp | None:
    """Name the limit that is passed, with what was used: the kind's tokens and cost, or what the workspace may hold."""
    tokens, cost = limits.get("tokens_limit"), limits.get("cost_limit")
    if tokens is not None and known.all_tokens > int(tokens):
        return _budget(f"{known.all_tokens} tokens were used; the limit is {tokens}", tokens=known.all_tokens)
    if cost is not None and known.all_cost > float(cost):
        text = f"it has cost {known.all_cost:.4f} US dollars; the limit is {cost}"
        return _budget(text, cost=known.all_cost)
    if workspace is None:
        return None
    if not workspace.is_there:
        return GiveUp("workspace_lost", "the workspace has vanished under the agent")
    if workspace.bytes > most_bytes:
        text = f"the workspace holds {workspace.bytes} bytes; the limit is {most_bytes}"
        return _budget(text, workspace_bytes=workspace.bytes)
    return None


def _budget(because: str, **evidence: Any) -> GiveUp:
    return GiveUp("budget", because, StateReason.BUDGET, evidence)
