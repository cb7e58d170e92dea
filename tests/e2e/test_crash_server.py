"""A server that dies between commit and answer: the caller asks again, and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from e2e.crash_processes import ask, attempts, state
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role

PROGRAM = Path(__file__).with_name("crash_server.py")


class Server:
    """A server process, and a client of it with a worker's token."""

    def __init__(self, process: subprocess.Popen[str], token: str) -> None:
        self.process = process
        self._token = token
        assert process.stdout is not None
        self._url = process.stdout.readline().strip()

    def post(self, path: str, body: dict[str, Any], lease: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if lease is not None:
            headers["Watchkeeper-Lease"] = lease
        request = urllib.request.Request(f"{self._url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))


@contextmanager
def serving(url: str, home: Path, token: str, *dies_after: str) -> Iterator[Server]:
    home.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, PROGRAM, url, home, *dies_after],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        yield Server(process, token)
    finally:
        process.kill()
        process.communicate()


async def test_an_unanswered_claim_and_an_unanswered_completion_are_answered_again(
    app: App, database_url: str, tmp_path: Path
) -> None:
    """The claim is handed out again as `redelivered`; the completion, sent again, is answered as done, once."""
    token = (await app.identity.create_token("w", Role.WORKER, "p", actor="t")).secret
    job = await ask(app, "k")
    claim = ("/api/worker/claim", {"worker_id": "w1"})
    done = (f"/api/worker/jobs/{job}/complete", {"summary": "done", "artifacts": []})
    with serving(database_url, tmp_path / "home", token, "claim") as dying:
        with pytest.raises((URLError, ConnectionError)):
            dying.post(*claim)
        assert dying.process.wait(10) == -signal.SIGKILL
    assert await state(app, job) == "running"
    with serving(database_url, tmp_path / "home", token, "complete") as dying:
        claimed = dying.post(*claim)["job"]
        assert (claimed["id"], claimed["redelivered"]) == (job, True)
        with pytest.raises((URLError, ConnectionError)):
            dying.post(*done, lease=claimed["lease_token"])
        assert dying.process.wait(10) == -signal.SIGKILL
    with serving(database_url, tmp_path / "home", token) as living:
        answer = living.post(*done, lease=claimed["lease_token"])
    assert answer["status"] == "completed"
    assert await attempts(app, job) == [(1, "completed", None)]
