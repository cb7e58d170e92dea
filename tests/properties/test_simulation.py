"""Agents that work, lie, die and are interrupted, in an order that chance makes: the promises hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import TestServer
from soak.simulation import Outcome, simulate
from watchkeeper.services.gate import Gate, GateOutcome
from watchkeeper.services.why import Why


async def played(server: TestServer, home: Path, runs: int, seed: int) -> Outcome:
    with server.database(empty=True) as url:
        return await simulate(url, home, runs=runs, seed=seed, at_once=6)


async def test_a_seed_gives_the_same_runs_again_and_breaks_no_promise(
    server: TestServer, tmp_path: Path
) -> None:
    """Nothing is green without a true artifact, lost, or completed twice; what chance did can be replayed."""
    outcome = await played(server, tmp_path / "a", runs=24, seed=3)
    assert outcome.problems == []
    assert outcome.states["completed"] > 2
    assert outcome.classified == outcome.standing_still > 0
    assert {"complete: gate_failed", "complete: stale_lease", "complete: contract_rejected"} <= {
        *outcome.answers
    }
    again = await played(server, tmp_path / "b", runs=24, seed=3)
    assert again == outcome


async def test_a_gate_that_lets_lies_pass_and_jobs_that_nobody_explains_are_found_out(
    server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation knows the truth by itself: a product that believes its agents turns green falsely there.

    Where `why` finds no class for jobs that stand still, it says so too.
    """
    check = Gate.check

    async def believing(*arguments: Any, **options: Any) -> GateOutcome:
        outcome: GateOutcome = await check(*arguments, **options)
        return replace(outcome, rejected=False, failed=[], verified="artifact")

    async def at_a_loss(*_: Any) -> dict[str, Any]:
        return {"class": "unexplained", "suggested_repair": {"action": "alert"}}

    monkeypatch.setattr(Gate, "check", believing)
    monkeypatch.setattr(Why, "why", at_a_loss)
    outcome = await played(server, tmp_path, runs=12, seed=3)
    assert {"false green", "unexplained"} <= {problem.split(":")[0] for problem in outcome.problems}
