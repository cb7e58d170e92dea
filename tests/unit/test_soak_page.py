"""The page that a soak writes: what the simulation came to stands on it where it ran."""

from __future__ import annotations

from soak.matrix import Found, page
from soak.simulation import Outcome


def test_the_page_has_the_simulation_s_line_where_it_ran() -> None:
    """Seed, runs, jobs by state, each broken promise, and what was classified: enough to play it again."""
    found = [Found("SIGKILL of a worker", 400, 1, 0, 1.0, 2.0, 0, 0)]
    states = {"completed": 9_000, "stuck gate_failed": 5}
    problems = ["false green: job 3", "false green: job 4", "double: 2 completed, 3 attempts did"]
    outcome = Outcome(7, 9_005, 10_000, states, {}, problems, "hash", 5, 4)
    line = "| 7 | 10,000 | 9,000 completed, 5 stuck gate_failed | 2 | 0 | 1 | 4 of 5 |"
    assert line in page(found, outcome).splitlines()
    assert "## Simulation" not in page(found)
