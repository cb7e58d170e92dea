"""Wait for something to become true, with a deadline and a name for what did not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
STEP_SECONDS = 0.02


def wait_until(
    predicate: Callable[[], T],
    timeout: float = 10.0,
    what: str = "the condition",
    step: float = STEP_SECONDS,
) -> T:
    """Ask until the answer is truthy and return it; AssertionError names `what` after `timeout` seconds.

    `step`: seconds between two questions; what costs a server something is asked for less often.
    """
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain for {what}"
        pause.wait(step)
