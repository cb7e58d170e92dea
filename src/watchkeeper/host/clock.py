"""This machine's own clock, by which a holder may stop earlier than the database says, and never later."""

from __future__ import annotations

import time


def boot_clock() -> float:
    """Seconds of this machine's life, time asleep included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
