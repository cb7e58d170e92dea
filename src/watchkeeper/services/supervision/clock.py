"""One clock for what is seen of a session: it counts as the boot clock does, and reads as Unix time."""

from __future__ import annotations

import time

from watchkeeper.host.clock import boot_clock

JUMP_SECONDS = 5.0


class SteadyClock:
    """Unix time as it was when this began, counted on by the boot clock: setting the wall clock moves no silence."""

    def __init__(self) -> None:
        self._offset = time.time() - boot_clock()

    def now(self) -> float:
        return boot_clock() + self._offset

    def jump(self) -> float:
        """Give by how much the wall clock was set since the last call, and count on from there; 0.0 for a small drift.

        What a provider says of its limits is wall time, so that the clock has to follow in the end.
        """
        seconds = time.time() - self.now()
        if abs(seconds) < JUMP_SECONDS:
            return 0.0
        self._offset += seconds
        return seconds
