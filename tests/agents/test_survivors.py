"""After every end of a session, success included, no process of it is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.living import PATH, Run, living
from waiting import wait_until
from watchkeeper.agents import records
from watchkeeper.agents.session import EndReason, Standing
from watchkeeper.agents.user import AgentUser

WAYS = {
    "a plain child": "sleep NONCE & exit 0",
    "nohup": "nohup sleep NONCE >/dev/null 2>&1 & exit 0",
    "setsid": "setsid sleep NONCE & exit 0",
    "a double fork": "(setsid sh -c 'sleep NONCE & exit 0' &) ; exit 0",
    "env -i and a double fork": "(env -i /usr/bin/setsid /bin/sh -c '/bin/sleep NONCE & exit 0' &) ; exit 0",
    "a grandchild that holds the output": "(sh -c 'sleep NONCE; echo late' &) ; echo early",
    "a shell in a terminal of its own": (
        "python3 -c 'import os, pty; pid = pty.fork()[0] or os.execvp("
        '"sh", ["sh", "-c", "trap : HUP; : > begun; sleep NONCE; sleep NONCE"])\n'
        # Its end hangs the terminal up, which kills a shell that has set no trap yet.
        'while not os.path.exists("begun"): pass\''
        " & until [ -e begun ]; do :; done; exit 0"
    ),
    "one that is stopped": "sleep NONCE & kill -STOP $! ; exit 0",
}
STUBBORN = (
    "setsid sh -c 'trap \"\" TERM; : > ready; sleep NONCE; sleep NONCE' & until [ -e ready ]; do :; done"
)


@pytest.fixture(params=[True, False], ids=["scope", "subreaper only"])
def use_scope(request: pytest.FixtureRequest) -> bool:
    if request.param:
        request.getfixturevalue("with_scope")
    return bool(request.param)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_survives_a_successful_end(run: Run, nonce: str, way: str, use_scope: bool) -> None:
    """A command that exits 0 and leaves a process behind, in whatever way, leaves none after the sweep."""
    session = run(WAYS[way].replace("NONCE", nonce), use_scope=use_scope)
    assert session.wait(20)
    swept = session.swept()
    assert swept is not None
    assert swept.gone
    assert swept.terminated, "the sweep names what it ended"
    assert not living(nonce)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code) == (EndReason.EXITED, 0)


def test_one_that_ignores_sigterm_is_killed_after_the_grace(run: Run, nonce: str, use_scope: bool) -> None:
    """SIGTERM comes first and the grace is waited for; then SIGKILL ends what ignored it."""
    script = STUBBORN.replace("NONCE", nonce)
    session = run(script, use_scope=use_scope, grace_seconds=0.5)
    assert session.wait(20)
    swept = session.swept()
    assert swept is not None
    assert swept.gone
    assert swept.killed
    assert swept.seconds >= 0.5
    assert not living(nonce)


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("end", ["exit 0", "kill -KILL $$"], ids=["success", "death"])
def test_a_browser_that_a_tool_started_is_gone(
    run: Run, nonce: str, work: Path, use_scope: bool, end: str
) -> None:
    """A real Chromium with all its helpers, left running by its tool, leaves nothing behind."""
    profile = f"--user-data-dir={work}/sleep {nonce}"
    script = (
        f"setsid {CHROMIUM} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        f"--remote-debugging-port=0 '{profile}' about:blank >/dev/null 2>&1 & "
        f"until [ -e '{work}/sleep {nonce}/DevToolsActivePort' ]; do sleep 0.05; done; {end}"
    )
    environment = {"PATH": PATH, "HOME": str(work), "TMPDIR": str(work)}
    session = run(script, use_scope=use_scope, environment=environment)
    assert session.wait(40)
    swept = session.swept()
    assert swept is not None
    assert swept.gone
    assert len({*map(str, swept.terminated)}) > 2
    assert not living(nonce)


def test_a_bystander_is_never_touched(run: Run, nonce: str, user: AgentUser, bystanders: list[int]) -> None:
    """Processes of the same user with the same command line live on: one unmarked, one of another session."""
    environments = ({"PATH": PATH}, {"PATH": PATH, records.MARKER: "of-another-session"})
    bystanders.extend(_sleep(nonce, environment, user) for environment in environments)
    session = run(f"setsid sleep {nonce} & exit 0")
    assert session.wait(20)
    assert sorted(living(nonce)) == sorted(bystanders)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have processes of two users")
def test_a_marker_of_another_user_is_reported_and_not_touched(
    run: Run, nonce: str, bystanders: list[int], work: Path
) -> None:
    """Who carries the marker but is another user's process is named in the report and lives on."""
    session = run("until [ -e go ]; do sleep 0.05; done")
    about = records.read_record(session.directory / records.SESSION)
    assert about is not None
    bystanders.append(_sleep(nonce, {"PATH": PATH, records.MARKER: about["marker"]}, None))
    (work / "go").touch()
    assert session.wait(20)
    swept = session.swept()
    assert swept is not None
    assert [entry["pid"] for entry in swept.reported] == bystanders
    assert living(nonce) == bystanders


def test_a_shared_daemon_is_reported_and_not_touched(
    run: Run, nonce: str, place: Path, use_scope: bool
) -> None:
    """A daemon of the configured list that the agent happened to start is spared, all else is ended."""
    daemon = place / "build-daemon"
    daemon.write_bytes(Path("/bin/sleep").read_bytes())
    daemon.chmod(0o755)
    script = f"setsid {daemon} {nonce} & setsid sleep {nonce} & sh -c 'trap \"\" TERM; sleep {nonce}1' &"
    ready = f"until [ $(grep -cl {nonce} /proc/[0-9]*/cmdline 2>/dev/null | wc -l) -ge 5 ]; do :; done"
    session = run(f"{script} {ready}", use_scope=use_scope, shared_daemons=[daemon.name], grace_seconds=0.5)
    assert session.wait(20)
    swept = session.swept()
    assert swept is not None
    assert [(entry["name"], entry["why"]) for entry in swept.reported] == [(daemon.name, "shared daemon")]
    assert living(nonce) == [swept.reported[0]["pid"]]
    os.kill(swept.reported[0]["pid"], signal.SIGKILL)
    wait_until(lambda: not living(nonce), what="the daemon's end")


def test_an_agent_cannot_spare_a_process_by_giving_it_a_daemons_name(
    run: Run, nonce: str, user: AgentUser
) -> None:
    """A copy of a program under a shared daemon's name, made by the agent's own user, is ended too."""
    if not user.other:
        pytest.skip("as one's own user there is no telling who made a program")
    session = run(f"cp /bin/sleep ./dockerd; setsid ./dockerd {nonce} &", shared_daemons=["dockerd"])
    assert session.wait(20)
    assert not living(nonce)


def test_a_stop_while_output_is_flooding(run: Run) -> None:
    """An agent that writes without pause is stopped, and every byte of what it wrote can be followed."""
    session = run("while :; do echo 0123456789012345678901234567890123456789; done")
    follower = session.stdout()
    assert wait_until(lambda: follower.lines(), what="output")
    assert session.interrupt("cancel requested")
    assert session.wait(20)
    while follower.lines():
        pass
    last = follower.last()
    seen = follower.offset if last is None else last.end
    assert seen == (session.directory / records.STDOUT).stat().st_size
    end = session.ended()
    assert end is not None
    assert (end.reason, end.request, end.signal) == (EndReason.INTERRUPTED, "cancel requested", 15)
    assert session.standing is Standing.FINISHED


@pytest.fixture
def bystanders() -> Iterator[list[int]]:
    """Pids of children of this test that are ended and reaped after it."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _sleep(nonce: str, environment: dict[str, str], user: AgentUser | None) -> int:
    """Start a sleeper that this test reaps by its pid, as the agent's user if one is given."""
    uid = user.uid if user is not None and user.other else None
    child = subprocess.Popen(["sleep", nonce], env=environment, user=uid, start_new_session=True)
    child.returncode = 0
    wait_until(lambda: child.pid in living(nonce), what="the sleeper")
    return child.pid
