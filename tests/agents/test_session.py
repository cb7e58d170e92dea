"""How a session starts, is followed, ends, and what is recorded of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agents.living import Run
from waiting import wait_until
from watchkeeper.agents import records
from watchkeeper.agents.scope import Limits
from watchkeeper.agents.session import EndReason, Session, SessionError, Standing, sessions_in
from watchkeeper.agents.user import AgentUser


def test_the_exit_code_is_recorded(run: Run) -> None:
    """A command's exit code and its times stand in the record of its end."""
    session = run("exit 7")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code, end.signal) == (EndReason.EXITED, 7, None)
    assert end.started_at <= end.ended_at


def test_the_signal_is_recorded(run: Run) -> None:
    """A command that dies of a signal has that signal and no exit code."""
    session = run("kill -SEGV $$")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code, end.signal) == (EndReason.EXITED, None, 11)


def test_the_hard_cap_ends_a_command(run: Run) -> None:
    """At the hard cap the command is ended by its shim, and the record says so whatever its exit code."""
    session = run("trap 'exit 0' TERM; while :; do sleep 0.05; done", hard_cap_seconds=0.3)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code) == (EndReason.HARD_CAP, 0)
    assert end.wall_seconds >= 0.3


def test_too_much_output_ends_a_command(run: Run) -> None:
    """A command that floods its output beyond the limit is ended for it."""
    script = "while :; do echo 0123456789012345678901234567890123456789; done"
    session = run(script, output_limit_bytes=100_000)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.reason is EndReason.OUTPUT_LIMIT


def test_a_command_that_does_not_exist_is_named(run: Run) -> None:
    """A mistyped command ends the session at once with a text that names it."""
    session = run(["no-such-command", "x"])
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code, end.signal) == (EndReason.NOT_STARTED, None, None)
    assert "no-such-command" in end.error
    assert "there is no such program in PATH" in end.error


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["echo", "x" * 140_000], "'echo': the command's arguments are longer than the system takes"),
        (["no-such-command"], "'no-such-command': there is no such program in PATH"),
        (["/bin/no-such-command"], "there is no such program"),
        (["./script"], "script is there, but not the interpreter that it names"),
        (["./data"], "may not run data"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_keeps_a_command_from_starting_is_said(
    run: Run, place: Path, work: Path, command: list[str], said: str
) -> None:
    """The true cause is named, also where PATH leads through a place that the agent's user cannot enter."""
    closed = place / "closed"
    closed.mkdir(mode=0o000)
    for name, mode in (("script", 0o755), ("data", 0o644)):
        (work / name).write_text("#!/no/such/interpreter\n")
        (work / name).chmod(mode)
    session = run(command, environment={"PATH": f"{closed}:/usr/bin:/bin"})
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.reason is EndReason.NOT_STARTED
    assert said in end.error


def test_the_agent_gets_its_environment_and_nothing_of_ours(
    run: Run, user: AgentUser, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent sees the given environment and the marker, an empty stdin, its workspace, its own user."""
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", "postgresql://secret")
    session = run("env; pwd; id -u; wc -c; ls /proc/self/fd | wc -l", environment={"PATH": "/usr/bin:/bin"})
    assert session.wait(20)
    lines = [line.text for line in session.stdout().lines()]
    variables = {line.partition("=")[0] for line in lines if "=" in line}
    assert variables <= {"PATH", "WATCHKEEPER_SESSION", "PWD", "SHLVL", "_", "OLDPWD"}
    assert lines[-4:] == [str(work), str(user.uid), "0", "4"]


def test_what_is_kept_is_private(run: Run) -> None:
    """Directory 0700, files 0600, and the orders with the token in them are gone once the agent runs."""
    session = run("echo out; echo err >&2", environment={"PATH": "/bin", "WATCHKEEPER_TOKEN": "wk-secret"})
    assert session.wait(20)
    assert stat.S_IMODE(session.directory.stat().st_mode) == 0o700
    for path in session.directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert b"wk-secret" not in path.read_bytes(), path


def test_signals_and_umask_of_the_agent_are_the_usual_ones(run: Run) -> None:
    """What the shim blocks or ignores is not handed down: SIGTERM, SIGHUP and SIGPIPE work as ever."""
    session = run("grep -E 'Sig(Blk|Ign)' /proc/self/status; umask")
    assert session.wait(20)
    values = [line.text.split()[-1] for line in session.stdout().lines()]
    of_the_c_library = 0b11 << 31  # signals 32 and 33: nobody else can set them
    assert [int(value, 16) & ~of_the_c_library for value in values[:2]] == [0, 0]
    assert int(values[2], 8) == 0o022


def test_a_limit_of_files_holds(run: Run) -> None:
    """Resource limits of the spec hold for the agent."""
    session = run("ulimit -n; ulimit -c", rlimits={"NOFILE": (123, 456), "CORE": (0, 0)})
    assert session.wait(20)
    assert [line.text for line in session.stdout().lines()] == ["123", "0"]


def test_limits_that_cannot_hold_are_not_claimed(run: Run, with_scope: None) -> None:
    """`limits_held` names just the limits whose controller is on the unified hierarchy."""
    session = run("exit 0", limits=Limits(memory_bytes=1 << 30, cpu_cores=1.5, processes=100))
    about = records.read_record(session.directory / records.SESSION)
    assert about is not None
    scope = Path(about["scope"])
    expected = {name for name in ("memory", "cpu", "pids") if (scope / "agent" / f"{name}.max").exists()}
    assert set(session.limits_held) == expected
    assert session.wait(20)


def test_cores_are_bounded_where_no_controller_divides_them(run: Run) -> None:
    """Without a scope the agent and what it starts run on so many CPUs, and on no others."""
    session = run("nproc; sh -c nproc", limits=Limits(cpu_cores=0.5), use_scope=False)
    assert session.wait(20)
    assert [line.text for line in session.stdout().lines()] == ["1", "1"]


def test_a_limit_of_memory_is_held_by_the_kernel(run: Run) -> None:
    """Where cgroup v2 has the controller, who takes more is killed, and the session's end says why."""
    session = run("exec tail /dev/zero", limits=Limits(memory_bytes=32 << 20))
    if "memory" not in session.limits_held:
        session.interrupt("nobody holds its memory here")
        assert session.wait(20)
        pytest.skip("needs the memory controller on cgroup v2")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.oom_kills


def test_an_interruption_lets_the_agent_finish_its_business(run: Run) -> None:
    """An interrupted agent gets SIGTERM first, and what it says on its way out is kept."""
    session = run("trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.02; done")
    out = session.stdout()
    assert wait_until(lambda: [line.text for line in out.lines()], what="the agent") == ["up"]
    assert session.interrupt("operator")
    assert session.interrupt("again")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.request, end.exit_code) == (EndReason.INTERRUPTED, "operator", 0)
    assert [line.text for line in out.lines()] == ["saved"]
    assert not session.interrupt("too late")


def test_the_agent_that_ignores_an_interruption_is_killed(run: Run) -> None:
    """After the grace the agent's group gets SIGKILL, and the record has both the reason and the signal."""
    session = run("trap '' TERM; echo up; while :; do sleep 0.02; done", grace_seconds=0.3)
    assert wait_until(session.stdout().lines, what="the agent")
    session.interrupt("cancel")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.signal) == (EndReason.INTERRUPTED, 9)


def test_two_sessions_do_not_meet(run: Run) -> None:
    """The end of one session leaves another of the same user running."""
    lasting = run("echo up; while :; do sleep 0.02; done")
    short = run("setsid sleep 300 & exit 0")
    assert short.wait(20)
    assert lasting.standing is Standing.RUNNING
    assert lasting.agent is not None


def test_a_living_session_cannot_be_discarded(run: Run) -> None:
    """Throwing away the directory of a living session is refused."""
    session = run("while :; do sleep 0.02; done")
    with pytest.raises(SessionError):
        session.discard()
    assert session.directory.exists()


def test_facts_are_there_for_who_adopts(run: Run, place: Path) -> None:
    """What the supervisor noted at the start is found again by the next one, in the list of sessions."""
    session = run("exit 0", facts={"job": "j-1", "epoch": 4})
    assert session.wait(20)
    found = sessions_in(place)
    assert found == [session.directory]
    assert Session.adopt(found[0]).facts == {"job": "j-1", "epoch": 4}


def test_a_workspace_closed_to_the_agent_is_named(run: Run, user: AgentUser, place: Path) -> None:
    """A workspace that the agent's user cannot enter ends the session with a text that names it."""
    if not user.other:
        pytest.skip("nothing is closed to one's own user")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    session = run("exit 0", workspace=closed)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.reason is EndReason.NOT_STARTED
    assert str(closed) in end.error
    assert os.geteuid() == 0
