"""The step from the shim to the agent: fork, set up, exec; what must hold before foreign code runs.

Standard library only: the session shim runs it. The environment, the working directory and the user are the
order's.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from watchkeeper.agents.scope import Scope, join

LOCK_SECONDS = 2.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class LaunchError(Exception):
    """The agent could not be started; the text says at which step and why."""


class Orders(NamedTuple):
    """What the shim was told, as it stands in spec.json. Times in seconds, sizes in bytes."""

    command: list[str]
    environment: dict[str, str]
    workspace: str
    stdin: str
    marker: str
    uid: int
    gid: int
    groups: list[int]
    change_user: bool
    rlimits: dict[str, list[int]]
    hard_cap_seconds: float | None
    grace_seconds: float
    kill_seconds: float
    output_limit_bytes: int | None
    scope: str | None
    shared_daemons: list[str]
    lock: str | None
    cpus: int | None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Orders:
        """Raises KeyError when one is missing."""
        return cls(**{name: record[name] for name in cls._fields})


def hold(lock: str) -> int:
    """Take a lock for as long as the descriptor given is open; raise LaunchError where another session has it.

    A session that is just ending is waited for.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                raise LaunchError(f"the conversation is in use: another session holds {lock}") from None
            time.sleep(0.05)
        else:
            return descriptor


def prctl(option: int, value: int) -> bool:
    """Ask the kernel for a property of this process; False where it refuses."""
    done: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    return done == 0


def start_agent(orders: Orders, stdout: int, stderr: int, scope: Scope | None) -> int:
    """Start the agent and give its pid once its program runs; raises LaunchError.

    The agent has a session and process group of its own, /dev/null or its orders' file to read from, and nothing
    else of ours open.
    """
    shim = os.getpid()
    result, report = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _become_agent(orders, (stdout, stderr), scope, shim, report)
    os.close(report)
    with os.fdopen(result, "rb") as pipe:
        failure = pipe.read().decode(errors="replace")
    if failure:
        os.waitpid(pid, 0)
        raise LaunchError(failure)
    return pid


def _become_agent(
    orders: Orders, outputs: tuple[int, int], scope: Scope | None, shim: int, report: int
) -> None:
    """Turn this forked process into the agent; never returns."""
    step = "a session of its own"
    try:
        os.setsid()
        step = "the cgroup scope"
        if scope is not None:
            join(scope.agent)
        step = "its input and output files"
        _connect(orders.stdin, outputs)
        step = "its limits"
        _limit(orders.rlimits)
        if orders.cpus is not None:
            _keep_to_cpus(orders.cpus)
        step = f"user {orders.uid}"
        if orders.change_user:
            os.setgroups(orders.groups)
            os.setresgid(orders.gid, orders.gid, orders.gid)
            os.setresuid(orders.uid, orders.uid, orders.uid)
        # After the change of user, which clears it: should the shim be killed, the agent hears of it.
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != shim:
            os._exit(127)
        step = f"the workspace {orders.workspace}"
        os.chdir(orders.workspace)
        os.umask(0o022)
        step = f"the command {orders.command[0]!r}"
        _default_signals()
        _run_program(orders.command, orders.environment)
    except (OSError, ValueError, TypeError, LookupError) as error:
        os.write(report, f"{step}: {error}".encode(errors="replace"))
    finally:
        os._exit(127)


def _run_program(command: list[str], environment: dict[str, str]) -> None:
    """Become the program, looked for in PATH as execvpe does; raise OSError with what a person can mend.

    Unlike there a place in PATH that this user cannot enter does not hide why the program itself did not start.
    """
    name = command[0]
    failure = OSError("there is no such program" + ("" if "/" in name else " in PATH"))
    for place in [""] if "/" in name else os.get_exec_path(environment):
        path = Path(place, name)
        try:
            os.execve(path, command, environment)  # noqa: S606 - no shell is meant
        except NotADirectoryError:
            continue
        except FileNotFoundError:
            if os.access(path, os.F_OK):
                failure = OSError(f"{path} is there, but not the interpreter that it names")
        except PermissionError:
            if "/" in name or os.access(path, os.F_OK):
                failure = OSError(f"user {os.geteuid()} may not run {path}")
        except OSError as error:
            if error.errno != errno.E2BIG:
                raise
            raise OSError("the command's arguments are longer than the system takes") from None
    raise failure


def _connect(stdin: str, outputs: tuple[int, int]) -> None:
    given = os.open(stdin, os.O_RDONLY)
    os.dup2(given, 0)
    os.dup2(outputs[0], 1)
    os.dup2(outputs[1], 2)


def _limit(rlimits: Mapping[str, list[int]]) -> None:
    """Set the resource limits, never above what this process may have itself."""
    for name, (soft, hard) in rlimits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, most = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY and os.geteuid() != 0:
            hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
            soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
        resource.setrlimit(kind, (soft, hard))


def _keep_to_cpus(number: int) -> None:
    """Run on so many CPUs only, others for each session: what no controller divides up is at least bounded."""
    may = sorted(os.sched_getaffinity(0))
    first = os.getpid() % len(may)
    os.sched_setaffinity(0, (may[first:] + may[:first])[:number])


def _default_signals() -> None:
    """Give every signal its default: exec hands down what the shim blocks or its supervisor ignored."""
    for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def output_file(path: Path) -> int:
    """Open one output for the agent: append-only, 0600 and ours, so that nothing is written over by seeking.

    It can still cut the file (ftruncate); who follows the file notices that.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)
