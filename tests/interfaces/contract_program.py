"""Runs the contract CLI as an agent does, as a process of its own, and holds its answer to the published
form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import watchkeeper
from interfaces.contract_server import TOKEN

SOURCE = Path(watchkeeper.__file__).parents[1]


class HasUrl(Protocol):
    @property
    def url(self) -> str: ...


class Outcome(NamedTuple):
    exit_code: int
    answer: dict[str, Any]
    stderr: str

    @property
    def error(self) -> dict[str, Any]:
        assert self.answer["ok"] is False
        return self.answer["error"]


class Program:
    """One worker's command line: its home, its server, its environment."""

    def __init__(self, home: Path, server: HasUrl, token: str = TOKEN) -> None:
        self.home = home
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "HOME": str(home.parent),
            "WATCHKEEPER_HOME": str(home),
            "WATCHKEEPER_URL": server.url,
            "WATCHKEEPER_TOKEN": token,
            "WATCHKEEPER_WORKER_ID": "worker-1",
        }

    def start(
        self, *arguments: str | bytes, cwd: Path | None = None, **environ: str | None
    ) -> subprocess.Popen[bytes]:
        return self.start_python("-m", "watchkeeper", *arguments, cwd=cwd, **environ)

    def start_without_room(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command that cannot write a byte to any file, as on a full disk."""
        return self._start(
            "sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "watchkeeper", *arguments
        )

    def start_python(
        self, *arguments: str | bytes, cwd: Path | None = None, **environ: str | None
    ) -> subprocess.Popen[bytes]:
        return self._start(sys.executable, *arguments, cwd=cwd, **environ)

    def _start(
        self, *arguments: str | bytes, cwd: Path | None = None, **environ: str | None
    ) -> subprocess.Popen[bytes]:
        changed = {name: value for name, value in (self.environ | environ).items() if value is not None}
        return subprocess.Popen(
            arguments,
            env=changed,
            cwd=cwd or self.home.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self, *arguments: str | bytes, stdin: bytes = b"", cwd: Path | None = None, **environ: str | None
    ) -> Outcome:
        """Run to the end; fail unless stdout holds exactly one JSON object and no secret or traceback
        shows.
        """
        return finish(self.start(*arguments, cwd=cwd, **environ), stdin)

    def claim(self) -> None:
        """Claim the server's next job, so that its lease is kept."""
        assert self.run("claim").answer["job"] is not None

    def waiting(self) -> list[dict[str, Any]]:
        """What stands in this worker's outbox, oldest first."""
        return [
            json.loads(path.read_text()) for path in sorted(self.home.glob("contract/outbox/worker-1/*.json"))
        ]

    def refused(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.home.glob("contract/refused/*.json"))]


def finish(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Outcome:
    """Wait for a command and read what it said."""
    stdout, stderr = process.communicate(stdin, timeout=60)
    assert process.returncode in {0, 2, 3, 4, 5}, stderr.decode()
    assert b"Traceback" not in stderr
    assert TOKEN.encode() not in stdout + stderr
    assert stdout.endswith(b"\n")
    assert stdout.count(b"\n") == 1
    answer = json.loads(stdout.decode("utf-8"))
    assert isinstance(answer, dict)
    assert answer["ok"] is (process.returncode == 0)
    return Outcome(process.returncode, answer, stderr.decode())
