"""The example's story claims no more than the records do."""

from __future__ import annotations

from typing import Any

from watchkeeper.interfaces.cli.story import Story


def test_a_completion_without_evidence_is_not_told_as_verified() -> None:
    """Only what was checked is called verified, in its own line and in the sum at the end."""
    told: list[tuple[str, str | None]] = []
    story = Story({1: "checked", 2: "believed"}, lambda text, colour: told.append((text, colour)))
    story.read([_completed(2, "none"), _completed(1, "artifact")])
    story.end()
    assert told == [
        ("checked         verified and completed", "good"),
        ("believed        completed, unverified: no evidence was asked for", "warning"),
        (
            "the example is through: 1 of 2 completed with verified files, 1 completed, unverified",
            "good",
        ),
    ]
    assert story.is_over


def _completed(job: int, verified: str) -> dict[str, Any]:
    return {
        "seq": job,
        "job_seq": job,
        "new_state": "completed",
        "actor": "worker:w1",
        "reason": None,
        "epoch": 1,
        "event": "complete_succeeded",
        "verified": verified,
    }
