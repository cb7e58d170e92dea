"""The crowd's judge: a run in which nothing was completed does not pass."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from soak.sessions import Crowd, judge


def judged(tmp_path: Path, states: dict[str, int], kills: dict[str, int], stuck: dict[str, str]) -> list[str]:
    found = Crowd(2, Counter(kills), states)
    judge(found, tmp_path, {}, stuck)
    return found.problems


def test_all_jobs_stuck_is_no_pass(tmp_path: Path) -> None:
    """Fewer completed jobs than sessions are told, however well the others settled."""
    [told] = judged(tmp_path, {"stuck": 1}, {"a": 4}, {"a": "crash_loop"})
    assert told == "only 0 jobs were completed by 2 sessions"


def test_only_a_job_that_was_killed_too_often_may_be_stuck(tmp_path: Path) -> None:
    """The fourth kill makes a crash loop; fewer, or another reason, is a broken promise, and so is a failed job."""
    states = {"completed": 2, "stuck": 1}
    assert judged(tmp_path, states, {"a": 4}, {"a": "crash_loop"}) == []
    assert len(judged(tmp_path, states, {"a": 3}, {"a": "crash_loop"})) == 1
    assert len(judged(tmp_path, states, {"a": 9}, {"a": "agent_stalled"})) == 1
    assert len(judged(tmp_path, {"completed": 2, "failed": 1}, {}, {})) == 1
