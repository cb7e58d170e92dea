"""The only act of the host guard: SIGTERM, through a pidfd, to processes that were proven again while it was held.

Nothing else that could end or change anything is here, or is loaded by what is here.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum

from watchkeeper.domain.host_guard.plan import Process


class Ended(StrEnum):
    """What came of one target. `sent` says that it was asked, not that it has ended."""

    SENT = "sent"
    GONE = "gone"
    NOT_PROVEN = "not_proven"
    REFUSED = "refused"


Doubts = Callable[[], Mapping[Process, str | None]]
"""Scans anew and says of each target why not; a target that it leaves out is doubtful."""


def ask_to_end(targets: Sequence[Process], doubts: Doubts) -> dict[Process, tuple[Ended, str | None]]:
    """Send SIGTERM to each target of which there is no doubt; give what came of each, and why.

    The pidfds are opened first and polled last: what was read in between belonged to the processes that they hold, and
    a pid that is reused meanwhile is nobody's.
    """
    came: dict[Process, tuple[Ended, str | None]] = {}
    with ExitStack() as stack:
        held: dict[Process, int] = {}
        for target in targets:
            try:
                held[target] = os.pidfd_open(target.pid)
            except ProcessLookupError:
                came[target] = (Ended.GONE, None)
            except OSError as error:
                came[target] = (Ended.REFUSED, error.strerror)
            else:
                stack.callback(os.close, held[target])
        known = doubts() if held else {}
        for target, pidfd in held.items():
            why = known.get(target, "it was not looked at")
            came[target] = (Ended.NOT_PROVEN, why) if why is not None else _ask(pidfd)
    return came


def _ask(pidfd: int) -> tuple[Ended, str | None]:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    if poller.poll(0):
        return Ended.GONE, None
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    except ProcessLookupError:
        return Ended.GONE, None
    except PermissionError as error:
        return Ended.REFUSED, error.strerror
    return Ended.SENT, None
