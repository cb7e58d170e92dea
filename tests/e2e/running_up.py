"""`up` as a person runs it: a process of its own, without a terminal, in a home of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import watchkeeper
from waiting import wait_until

SOURCE = Path(watchkeeper.__file__).parents[1]
START_SECONDS = 60.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """Give what a process needs to find the product and this home; no HOME, as in a bare container."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "WATCHKEEPER_HOME": str(home), **more}


def command(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", *arguments],
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


class Up:
    """One running `up` and what it has said so far."""

    def __init__(self, home: Path, *arguments: str, **more: str) -> None:
        self.home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "watchkeeper", "up", *arguments],
            env=environment(home, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, timeout: float = START_SECONDS) -> str:
        """Wait until it has said a text and give that line."""

        def line() -> str | None:
            assert self.process.poll() is None or text in self.said, f"ended before {text!r}:\n{self.said}"
            return next((line for line in self.lines if text in line), None)

        return str(wait_until(line, timeout, f"{text!r}"))

    @property
    def url(self) -> str:
        return self.wait_for("ready: ").split("ready: ")[1].strip()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self._reading.join(timeout=10)
        return status

    def destroy(self) -> None:
        """End it and all that belongs to its home, whatever the test did."""
        self.process.kill()
        self.process.wait()
        self._reading.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        wait_until(lambda: not living(self.home), 30, f"the end of {living(self.home)}")


def living(home: Path) -> dict[int, str]:
    """Give the processes that belong to a home, by environment, command line or working directory."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):  # it has ended, or is not ours to look at
                if _belongs(entry, str(home)):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _belongs(entry: Path, home: str) -> bool:
    if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
        return False
    return (
        f"WATCHKEEPER_HOME={home}\0".encode() in (entry / "environ").read_bytes() + b"\0"
        or home.encode() in (entry / "cmdline").read_bytes()
        or str((entry / "cwd").readlink()).startswith(home)
    )


def child(home: Path, name: str) -> int:
    """Give the pid of the process that runs a command on a home."""

    def find() -> int | None:
        wanted = f" -m watchkeeper {name} "
        return next((pid for pid, line in living(home).items() if wanted in line), None)

    return int(wait_until(find, 10, f"a process of {name}") or 0)
