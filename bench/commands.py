"""Runs the `watchkeeper` program as a person does: a home of its own, a free port, ready when it says so."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.crew import running
from bench.plan import NotMeasurableError

PROGRAM = (sys.executable, "-m", "watchkeeper")
READY_SECONDS = 60.0
POLL_SECONDS = 0.005


def need(command: str) -> None:
    """Raise NotMeasurableError where this tree has no such command yet."""
    if importlib.util.find_spec("watchkeeper.interfaces.cli.main") is None:
        raise NotMeasurableError(f"this tree has no command 'watchkeeper {command}'")


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    """Give the surroundings of one installation: none of the settings of the person who measures."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    return {
        **own,
        "WATCHKEEPER_HOME": str(home),
        "WATCHKEEPER_PORT": str(port),
        "WATCHKEEPER_URL": f"http://127.0.0.1:{port}",
        **more,
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def ready(command: str, settings: dict[str, str]) -> Iterator[float]:
    """Run a command that serves, give the seconds until it was ready, and end it with the block."""
    with started(command, settings) as (_, seconds):
        yield seconds


@contextmanager
def started(command: str, settings: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Run a command that serves, as `ready` does, and give its pid too."""
    begun = time.perf_counter()
    with running([*PROGRAM, command], settings, quiet=True) as process:
        while not _is_ready(settings["WATCHKEEPER_URL"]):
            if process.poll() is not None:
                raise RuntimeError(f"'watchkeeper {command}' ended with {process.returncode}")
            if time.perf_counter() - begun > READY_SECONDS:
                raise RuntimeError(f"'watchkeeper {command}' was not ready in {READY_SECONDS:g} s")
            time.sleep(POLL_SECONDS)
        yield process.pid, time.perf_counter() - begun


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
