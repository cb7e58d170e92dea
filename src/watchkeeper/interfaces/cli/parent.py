"""What a process of `up` owes its parent: it ends with it, however that one ends, and says that it still lives."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.agents.launch import PR_SET_PDEATHSIG, prctl
from watchkeeper.domain.errors import Conflict

LIVING = "processes.lock"

Parent = Annotated[
    int | None, typer.Option("--parent", hidden=True, help="The pid of the `up` that this belongs to.")
]


@contextmanager
def tied_to(parent: int | None, home: Path) -> Iterator[None]:
    """Have the kernel ask this process to stop when its parent dies, and hold the home's lock of living processes.

    Does nothing without a parent. Raises Conflict when the parent is gone already.
    """
    if parent is None:
        yield
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise Conflict("the process that started this one is gone")
    with (home / LIVING).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def stop_asked() -> asyncio.Event:
    """Give an event that SIGTERM, SIGINT and SIGHUP set, in place of what they do by default."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, event.set)
    return event
