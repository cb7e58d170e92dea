"""How the servers over stdio begin and end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_agent import SOURCE

GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def started(place: Path, name: str, **environment: str) -> subprocess.Popen[str]:
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "WATCHKEEPER_HOME": str(place)}
    return subprocess.Popen(
        [sys.executable, "-m", "watchkeeper", "mcp", name],
        env=given | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("name", ["contract", "operate"])
def test_ctrl_c_ends_it_while_it_waits(name: str, tmp_path: Path) -> None:
    """It greets, tells what it is for, and is gone at Ctrl-C at once, though it waits for input."""
    with started(tmp_path, name, WATCHKEEPER_TOKEN="wkv_x") as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(GREETING) + "\n")
        server.stdin.flush()
        greeted = json.loads(server.stdout.readline())["result"]
        assert "Watchkeeper" in greeted["instructions"]
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == -signal.SIGINT


def test_without_a_token_it_says_what_is_missing(tmp_path: Path) -> None:
    """A client that was not given the token is told so on stderr, and nothing is written for it to read."""
    with started(tmp_path, "contract") as server:
        out, told = server.communicate(timeout=30)
    assert (out, server.returncode) == ("", 3)
    assert "WATCHKEEPER_TOKEN is not set" in told
