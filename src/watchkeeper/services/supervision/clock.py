"""One clock for what is seen of a session: it counts as the boot clock does, and reads as Unix time."""

from __future__ import annotations

import time

from watchkeeper.host.clock import boot_clock

JUMP_SECONDS = 5.0


class SteadyClock:
    """Unix time as it was when this began, counted on by the boot clock: setting the wall clock moves no silence."""

    def __init__(self) -> None:
        self._offset = time.time() - boot_clock()
        self._slept = slept()

    def now(self) -> float:
        return boot_clock() + self._offset

    def jump(self) -> float:
        """Give for how long the machine slept, or by how much its wall clock was set, since the last call; else 0.0.

        What a provider says of its limits is wall time, so that this clock follows the wall clock in the end.
        """
        before, self._slept = self._slept, slept()
        seconds = time.time() - self.now()
        if abs(seconds) >= JUMP_SECONDS:
            self._offset += seconds
            return seconds
        return self._slept - before if self._slept - before >= JUMP_SECONDS else 0.0


def slept() -> float:
    """Give for how long the machine slept since its boot."""
    return boot_clock() - time.monotonic()
