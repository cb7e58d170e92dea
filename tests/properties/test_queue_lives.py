"""Whatever is done to a queue, in whatever order, its seven promises hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from properties.queue_machine import QueueMachine

from watchkeeper.app import build
from watchkeeper.settings import Settings

EXAMPLES, STEPS = 60, 50


def test_no_order_of_steps_breaks_a_promise(database_url: str, tmp_path: Path) -> None:
    """Jobs stand in one place, under one lease, end once, tell of each change, and obey no old token."""
    play(database_url, tmp_path, EXAMPLES, STEPS)


def play(url: str, home: Path, examples: int, steps: int) -> None:
    with asyncio.Runner() as runner:
        app = build(Settings(home=home, database_url=url))
        runner.run(app.database.open())
        machine = type("Machine", (QueueMachine,), {"app": app, "url": url, "runner": runner})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(app.database.close())
