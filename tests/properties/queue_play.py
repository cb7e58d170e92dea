"""Plays random lives of a queue on one database, over whatever lies between it and the program."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from properties.queue_machine import QueueMachine
from watchkeeper.app.whole import build
from watchkeeper.settings import Settings


def play(given: Settings, direct_url: str, examples: int, steps: int) -> None:
    """Drive the queue that the settings lead to; its clock is moved, and its rows are read, at `direct_url`."""
    with asyncio.Runner() as runner:
        app = build(given)
        runner.run(app.database.open())
        machine = type("Machine", (QueueMachine,), {"app": app, "url": direct_url, "runner": runner})
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
