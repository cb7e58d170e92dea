"""Worker processes: started and warmed before the clock runs, released together, ended by their own pid."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.plan import Bench

START_SECONDS = 60
END_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers that wait at the barrier; `counts` is what each has handled, in shared memory."""

    processes: Sequence[subprocess.Popen[str]]
    counts: memoryview

    def release(self) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    @property
    def handled(self) -> int:
        return sum(self.counts)

    def check(self) -> None:
        """Raise RuntimeError when a worker has died: its figure would be of fewer workers than it says."""
        for process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"worker {process.pid} ended with {process.returncode}")


@contextmanager
def waiting_crew(bench: Bench, peer: str, url: str, workers: int) -> Iterator[Crew]:
    """Start workers, wait until each is warm and ready, and end them with the block."""
    counts_file = bench.scratch / "counts"
    counts_file.write_bytes(b"\0" * 8 * workers)
    with counts_file.open("r+b") as file:
        counts = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                worker(peer, url, "--counts", str(counts_file), "--slot", str(slot), piped_in=True)
            )
            for slot in range(workers)
        ]
        for process in processes:
            if line_of(process, START_SECONDS) != "ready":
                raise RuntimeError(f"a worker of {peer} did not get ready")
        yield Crew(processes, counts)


@contextmanager
def worker(peer: str, url: str, *arguments: str, piped_in: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Run one worker process of a peer."""
    command = [sys.executable, "-m", "bench.worker", peer, *arguments]
    environment = {**os.environ, "BENCH_DATABASE": url}
    with running(command, environment, piped_in=piped_in) as process:
        yield process


@contextmanager
def running(
    command: Sequence[str], environment: dict[str, str], *, piped_in: bool = False, quiet: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run a process, ask it to end with the block, and end it if it will not; `quiet` drops what it says."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if piped_in else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        bufsize=1,
        cwd=Path(__file__).parents[1],
        env=environment,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def line_of(process: subprocess.Popen[str], seconds: float) -> str:
    """Give the next line of a process's stdout; raise RuntimeError when none comes in time."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], seconds)[0]:
        raise RuntimeError(f"process {process.pid} said nothing for {seconds:g} s")
    return process.stdout.readline().rstrip("\n")


def watch(crew: Crew, jobs: int, seconds: float = 300.0) -> None:
    """Wait until the crew has handled so many jobs; raise RuntimeError when it stalls or dies."""
    deadline = time.monotonic() + seconds
    while crew.handled < jobs:
        crew.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"{crew.handled} of {jobs} jobs handled in {seconds:g} s")
        time.sleep(0.002)
