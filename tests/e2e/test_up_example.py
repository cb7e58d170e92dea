"""The example project as a newcomer sees it: done, verified, blocked, rescued, tried again, and removed."""

from __future__ import annotations

import json
from pathlib import Path

from e2e.running_up import Up, command, living
from waiting import wait_until
from watchkeeper.agents.scope import home_hash


def test_the_example_shows_a_block_a_rescue_and_a_second_attempt(home: Path) -> None:
    """Within a minute ten real jobs are worked; the liar is blocked, the lost one rescued, the stumbler retried."""
    up = Up(home, "--port", "0")
    try:
        told = up.wait_for("the example is through", timeout=90)
        assert "9 of 10 completed with verified files, 1 blocked by the gate" in told
        assert "RESCUED" in up.wait_for("long-survey     RESCUED")
        assert "empty_body" in up.wait_for("hollow-report   BLOCKED")
        assert "attempt 2" in up.wait_for("flaky-feed      claimed by example-2, attempt 2")
        jobs = listed(home)
        assert {job["external_id"] for job in jobs.values() if job["state"] != "completed"} == {
            "hollow-report"
        }
        assert jobs["hollow-report"]["state_reason"] == "gate_failed"
        assert {job["verified"] for job in jobs.values()} == {"artifact", None}
        survey = json.loads(command(home, "jobs", "show", "long-survey", "-p", "example", "--json").stdout)
        assert [(attempt["worker_id"], attempt["cause"]) for attempt in survey["attempts"]] == [
            ("example-1", "lease_lost"),
            ("example-2", None),
        ]
        assert "calendar" in command(home, "jobs", "list", "-p", "example", "--limit", "3").stdout
        up.wait_for("'projects remove example' removes it")
        assert len(of_project(home, "example")) >= 6
        own = (home / "url").read_text().strip()  # named by the person, it is this home's own all the same
        removed = command(home, "projects", "remove", "example", "--reason", "seen", WATCHKEEPER_URL=own)
        assert removed.returncode == 0, removed.stderr
        assert command(home, "jobs", "list", "-p", "example").returncode == 3
        assert of_project(home, "example") == []
        assert command(home, "projects", "remove", "example").returncode == 3
        assert command(home, "projects", "create", "second").returncode == 0
        assert up.end() == 0
        wait_until(lambda: not living(home), 20, "no process of this home")
        the_same_without_a_server(home)
    finally:
        up.destroy()


def the_same_without_a_server(home: Path) -> None:
    """Remove a project while nothing runs: its rows and files go, nothing runs afterwards, and twice is told."""
    stored = home / "artifacts" / "second" / "ab" / ("ab" * 32)
    stored.parent.mkdir(parents=True)
    stored.write_text("kept")
    assert "would remove" in command(home, "projects", "remove", "second", "--dry-run").stdout
    assert stored.exists()
    removed = command(home, "projects", "remove", "second")
    assert removed.returncode == 0, removed.stderr
    assert "its files on this machine" in removed.stdout
    assert of_project(home, "second") == []
    assert command(home, "projects", "remove", "second").returncode == 3
    wait_until(lambda: not living(home), 20, "no process of this home")


def of_project(home: Path, name: str) -> list[str]:
    """List what lies in a home, or in its place where the agents' user cannot enter it, under a project's name."""
    places = (home, Path("/var/lib/watchkeeper") / home_hash(home))
    found = [path for place in places for path in place.rglob("*") if name in path.name]
    return sorted(str(path) for path in found if path.parent.name != "logs")


def listed(home: Path) -> dict[str, dict[str, str | None]]:
    rows = json.loads(command(home, "jobs", "list", "-p", "example", "--json").stdout)["jobs"]
    return {row["external_id"]: row for row in rows}
