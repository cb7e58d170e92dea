"""Worker processes that a test starts, hears, signals and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.services.enqueueing import JobRequest

PROGRAM = Path(__file__).with_name("crash_worker.py")
STEP_SECONDS = 0.02
T = TypeVar("T")


class WorkerProcess:
    """A running worker; `lines` is what it has said so far."""

    def __init__(self, url: str, home: Path, *, concurrency: int, prefetch: int) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._log = home / f"worker-{uuid4().hex}.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, url, str(concurrency), str(prefetch)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={"PATH": os.environ["PATH"], "WATCHKEEPER_HOME": str(home)},
            )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def said(self, *words: object) -> bool:
        """Say whether a line began with these words."""
        start = " ".join(map(str, words))
        return any(f"{line} ".startswith(f"{start} ") for line in list(self.lines))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Give what the worker has logged under this name."""
        lines = [line for line in self._log.read_text().splitlines() if line.endswith("}")]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def go(self) -> None:
        """Let all handlers that wait go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        sys.stderr.write(self._log.read_text())
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(
                    BrokenPipeError
                ):  # what a process did not read before its death is still kept for it
                    stream.close()


@contextmanager
def worker(url: str, home: Path, *, concurrency: int = 1, prefetch: int = 0) -> Iterator[WorkerProcess]:
    """Run a worker process until the block ends."""
    process = WorkerProcess(url, home, concurrency=concurrency, prefetch=prefetch)
    try:
        yield process
    finally:
        process.end()


async def watched(app: App, predicate: Callable[[], T], what: str, timeout: float = 30.0) -> T:
    """Keep the queue's time, as a reaper does, until the predicate is true."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not (answer := predicate()):
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain for {what}"
        with suppress(
            DatabaseUnavailable
        ):  # as its duty does: an outage is over, or met again, at the next step
            await app.maintenance.keep_time()
        await asyncio.to_thread(pause.wait, STEP_SECONDS)
    return answer


async def ask(app: App, kind: str, **payload: object) -> str:
    [made] = await app.queue.enqueue("p", [JobRequest(kind, payload)], actor="t")
    return str(made.id)


async def attempts(app: App, job_id: str) -> list[tuple[int, str, str | None]]:
    """Give a job's attempts as (epoch, outcome, cause)."""
    found = await rows(
        app.database,
        "SELECT a.epoch, a.outcome, a.cause FROM watchkeeper.job_attempts a"
        " JOIN watchkeeper.job_specs s USING (project_id, seq) WHERE s.id = %(id)s ORDER BY a.epoch",
        {"id": job_id},
    )
    return [(row["epoch"], row["outcome"], row["cause"]) for row in found]


async def state(app: App, job_id: str) -> str:
    return str((await app.insights.job("p", job_id))["state"])


async def stopped(app: App, process: WorkerProcess) -> None:
    process.signal(signal.SIGTERM)
    await watched(app, lambda: process.said("stopped") and process.ended, "the worker's stop")
