"""The limits of a job's sessions: what passes one is named with its class, and with what was used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchkeeper.agents.session import End, EndReason
from watchkeeper.domain.jobs import StateReason
from watchkeeper.services.supervision.budgets import passed_limit
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.steps import GiveUp, TurnOver, after_turn
from watchkeeper.services.supervision.workspace_look import WorkspaceLook

MOST = 64 * 1024


@pytest.mark.parametrize(
    ("limits", "used", "file_bytes", "evidence"),
    [
        ({"tokens_limit": 100}, {"tokens": 61, "tokens_before": 40}, 0, {"tokens": 101}),
        ({"tokens_limit": 100}, {"tokens": 60, "tokens_before": 40}, 0, None),
        ({"cost_limit": "1.50"}, {"cost": 0.75, "cost_before": 1.0}, 0, {"cost": 1.75}),
        ({"cost_limit": "1.50"}, {"cost": 0.5, "cost_before": 1.0}, 0, None),
        ({}, {}, MOST // 2, None),
        ({}, {"tokens": 10**9, "cost": 10.0**6}, 0, None),
    ],
)
def test_what_passes_a_limit_is_stuck_for_its_budget(
    tmp_path: Path,
    limits: dict[str, Any],
    used: dict[str, Any],
    file_bytes: int,
    evidence: dict[str, Any] | None,
) -> None:
    """Tokens and cost count over all threads of a job; at the limit nothing is passed, and without one nothing is."""
    (tmp_path / "file").write_bytes(b"x" * file_bytes)
    found = passed_limit(limits, Conversation("codex", **used), WorkspaceLook(tmp_path), MOST)
    if evidence is None:
        assert found is None
    else:
        assert found is not None
        assert (found.failure, found.held, found.evidence) == ("budget", StateReason.BUDGET, evidence)
        assert after_turn(TurnOver(None, stopped=found), 0, 3, 0.0) == found


def test_a_workspace_that_holds_too_much_is_named(tmp_path: Path) -> None:
    """What is on the disk counts, not what the files say of their length."""
    (tmp_path / "file").write_bytes(b"x" * 4 * MOST)
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    found = passed_limit({}, Conversation("codex"), WorkspaceLook(tmp_path), MOST)
    assert found is not None
    assert (found.failure, found.held) == ("budget", StateReason.BUDGET)
    assert 4 * MOST <= found.evidence["workspace_bytes"] < 1 << 30


def test_the_wall_time_of_an_attempt_is_named() -> None:
    """Ended by its shim at the hard cap, the attempt fails under that name, with how long it took."""
    end = End(EndReason.HARD_CAP, None, 15, "", "", 0.0, 61.0, 61.0, 0.1, None)
    found = after_turn(TurnOver(end), 0, 3, 0.0)
    assert isinstance(found, GiveUp)
    assert (found.failure, found.held, "after 61 s" in found.because) == ("hard_cap", None, True)
