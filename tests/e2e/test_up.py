"""`up` from its first line to its last process: what a person meets who types it, stops it, kills it."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.running_up import Up, child, command, living
from waiting import wait_until

Start = Callable[..., Up]


def test_ctrl_c_ends_all_of_it_and_keeps_the_data(start: Start, home: Path) -> None:
    """A person gets an address and a login link; Ctrl-C leaves no process, and the data for the next time."""
    up = start("--port", "0", WATCHKEEPER_LOG_FORMAT="text")
    url = up.url
    assert urllib.request.urlopen(f"{url}/readyz", timeout=10).status == 200
    link = up.wait_for("/login?code=").rsplit(" ", 1)[1]
    with urllib.request.urlopen(link, timeout=10) as page:
        assert "<form" in page.read().decode()
    assert (home / "url").read_text().strip() == url
    assert (home / "owner-token").stat().st_mode & 0o777 == 0o600
    assert up.end(signal.SIGINT) == 0
    wait_until(lambda: not living(home), 15, "no process of this home")
    assert not (home / "url").exists()
    assert (home / "database").exists()
    assert "\033[" not in up.said
    # A wish for text is about what a person sees: the processes of `up` write what it can read.
    assert all(line.startswith("{") for line in (home / "logs" / "watch.log").read_text().splitlines())


def test_a_second_up_says_where_the_first_one_is(start: Start, home: Path) -> None:
    """Two `up` on one home: the second tells where the first runs and ends well; `stop` ends the first."""
    first = start()
    url = first.url
    second = command(home, "up", "--no-example")
    assert (second.returncode, second.stderr) == (0, "")
    assert f"already running at {url}" in second.stdout
    assert "watchkeeper login" in second.stdout
    login = command(home, "login")
    assert login.stdout.startswith(f"{url}/login?code="), login.stderr
    stopped = command(home, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "stopped; the data stays\n")
    assert first.process.wait(timeout=10) == 0
    assert command(home, "stop").stdout.startswith("nothing runs")


def test_a_killed_up_leaves_no_process_and_the_next_one_starts_at_once(start: Start, home: Path) -> None:
    """SIGKILL of `up` takes its processes along within seconds; an `up` that is typed at once waits and starts."""
    first = start()
    assert first.url
    pids = set(living(home)) - {first.process.pid}
    first.process.kill()
    second = start()
    assert second.url
    wait_until(lambda: not (pids_of_python(home) & pids), 15, "the end of the first one's processes")
    assert second.end(signal.SIGTERM) == 0
    wait_until(lambda: not living(home), 15, "no process of this home")


def pids_of_python(home: Path) -> set[int]:
    return {pid for pid, line in living(home).items() if " -m watchkeeper " in line}


def test_a_killed_server_process_is_started_again(start: Start, home: Path) -> None:
    """A server that dies is told of loudly and serves again on the same address."""
    up = start("--port", "0", "--verbose")
    url = up.url
    os.kill(child(home, "serve"), signal.SIGKILL)
    up.wait_for("serve was killed by signal 9")
    up.wait_for("starting it again")
    again = wait_until(
        lambda: [line for line in up.lines if "server_listening" in line][1:], 30, "a new server"
    )
    assert again[0].endswith(f"url={url}")
    assert urllib.request.urlopen(f"{url}/readyz", timeout=10).status == 200


def test_a_second_clone_runs_beside_the_first(start: Start, home: Path) -> None:
    """The usual port is taken: the next free one is used and named. Neither knows the other, and each ends alone."""
    first = start("--no-example")
    url = first.url
    other = Up(home.with_name(f"{home.name}-2"), "--no-example", "--verbose")
    try:
        said = other.wait_for("port 8470 is taken; using ")
        assert other.url.endswith(":" + said.rsplit(" ", 1)[1])
        assert other.url != url
        listed = command(other.home, "projects", "list", "--json", WATCHKEEPER_URL=url)
        assert json.loads(listed.stdout)["error"]["code"] == "unauthenticated"
        assert other.end(signal.SIGTERM) == 0
        assert urllib.request.urlopen(f"{url}/readyz", timeout=10).status == 200
    finally:
        other.destroy()


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(home: Path) -> None:
    """A person who names a port gets that one or a clear refusal."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = command(home, "up", "--no-example", "--port", port)
    assert done.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken by another program" in done.stderr
    assert "Traceback" not in done.stderr
    assert not living(home)


@pytest.mark.parametrize(
    "arguments",
    [
        ["up"],
        ["serve"],
        ["watch"],
        ["work", "--agent", "command"],
        ["jobs", "list"],
        ["stop"],
        ["config", "show"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_mistyped_setting_is_named_with_what_was_meant(home: Path, arguments: list[str]) -> None:
    """Whatever one starts, a mistyped setting is one clear line and exit code 2."""
    done = command(home, *arguments, WATCHKEEPER_DATABASE_UR="x")
    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first == (
        "watchkeeper: unknown setting WATCHKEEPER_DATABASE_UR; did you mean WATCHKEEPER_DATABASE_URL?"
    )
    assert "Traceback" not in done.stderr
