"""A person's desk over the HTTP interface: a project of its own, jobs put in, what became of them, and workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx2

from e2e.running_up import SOURCE
from waiting import wait_until

HERE = Path(__file__).parent
ASK_SECONDS = 0.1
"""Between two questions after a job: each is work for the server, beside that which is waited for."""

PAGE = "<!doctype html><title>T</title><h1>Queues</h1><p>All is well with them.</p>"


@contextmanager
def server_process(order: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Run server_process.py; give it and what it tells of itself: where it listens, and an owner's token."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "server_process.py"), json.dumps(order)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(40)


@dataclass
class Worker:
    """A running `work --agent command`; its log lines are JSON in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, timeout: float = 20.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [event for line in lines if (event := json.loads(line))["event"] == name]


@dataclass
class Desk:
    """One project on a running server."""

    http: httpx2.Client
    url: str
    project: str
    place: Path
    workers: list[Worker] = field(default_factory=list)
    worker_token: str = ""
    viewer_token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        response = self.http.request(
            method,
            path,
            json=body,
            params={"project": self.project},
            headers=headers | {"Idempotency-Key": uuid4().hex},
        )
        assert response.status_code < 400, (path, response.text)
        return cast("dict[str, Any]", response.json())

    def token(self, role: str = "worker", project: str | None = None) -> str:
        asked = {"name": f"{role}-{uuid4().hex[:8]}", "role": role, "project_id": project or self.project}
        made = self.ask("POST", "/api/tokens", asked)
        return str(made["token"]["secret"] if isinstance(made["token"], dict) else made["token"])

    def kind(self, name: str, **declaration: Any) -> None:
        self.ask("POST", "/api/kinds", {"name": name, **declaration})

    def put(self, script: str | None, kind: str = "plain", **more: Any) -> str:
        """Put in a job whose command is a shell script."""
        payload = more.pop("payload", {}) | ({} if script is None else {"command": script})
        made = self.ask("POST", "/api/jobs", {"kind": kind, "payload": payload, **more})
        return str(made["job"]["id"])

    def job(self, job: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.ask("GET", f"/api/jobs/{job}")["job"])

    def attempts(self, job: str) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.job(job)["attempts"])

    def wait_for(self, job: str, *states: str, timeout: float = 20.0) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.job(job)
            return found if found["state"] in states else None

        try:
            return wait_until(there, timeout, f"{job} to be {' or '.join(states)}", ASK_SECONDS)
        except AssertionError as error:
            logs = "\n".join(worker.log.read_text()[-3000:] for worker in self.workers)
            raise AssertionError(f"{error}; it is {self.job(job)}; the workers say:\n{logs}") from None

    def worker(self, home: str = "home", **config: Any) -> Worker:
        """Start a worker; its home is made below this test's place."""
        config = {
            "url": self.url,
            "home": str(self.place / home),
            "system_place": str(self.place / "system"),
            "grace_seconds": 1.0,
            "shutdown_grace_seconds": 0.5,
            "wait_seconds": 5.0,
        } | config
        self.worker_token = self.worker_token or self.token()
        token = config.pop("token", self.worker_token)
        log = self.place / f"work-{len(self.workers)}.log"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "worker_process.py")],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment
                | {"CONTROL_PLANE_SECRET": "not-for-agents-0815", "PYTHONPATH": str(HERE.parents[1])},
                start_new_session=True,
            )
        assert process.stdin is not None
        process.stdin.write(f"{token}\n{json.dumps(config)}".encode())
        process.stdin.close()
        self.workers.append(Worker(process, log))
        return self.workers[-1]

    def command(self, *arguments: str, home: str = "desk", **more: str) -> str:
        """Run an operator's command; give what it printed."""
        self.viewer_token = self.viewer_token or self.token("viewer")
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)}
        environment |= {"WATCHKEEPER_HOME": str(self.place / home), "WATCHKEEPER_URL": self.url}
        environment |= {"WATCHKEEPER_TOKEN": self.viewer_token}
        done = subprocess.run(
            [sys.executable, "-m", "watchkeeper", *arguments],
            env=environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def said(self, name: str, timeout: float = 15.0) -> str:
        """Wait for a file that an agent writes into this test's `out` directory; give its text."""
        path = self.place / "out" / name
        wait_until(
            lambda: path.exists() and path.read_text().endswith("\n"), timeout, f"{name} to be written"
        )
        return path.read_text().strip()
