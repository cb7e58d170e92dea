"""Whatever is done to a queue, in whatever order, its seven promises hold."""

from __future__ import annotations

from pathlib import Path

from properties.queue_play import play
from watchkeeper.settings import Settings

EXAMPLES, STEPS = 50, 50


def test_no_order_of_steps_breaks_a_promise(database_url: str, tmp_path: Path) -> None:
    """Jobs stand in one place, under one lease, end once, tell of each change, and obey no old token."""
    play(Settings(home=tmp_path, database_url=database_url), database_url, EXAMPLES, STEPS)
