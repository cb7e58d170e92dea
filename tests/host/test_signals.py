"""Signals reach exactly the process that was meant, or nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper.host.processes import Identity, ProcReader
from watchkeeper.host.signals import Sent, has_ended, open_verified, send, wait_for_ends


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process
        process.kill()


def test_a_signal_reaches_the_process_that_was_meant(child: subprocess.Popen[bytes]) -> None:
    """With the right identity the signal arrives."""
    reader = ProcReader()
    assert send(_identity(child), signal.SIGKILL, reader) is Sent.SENT
    assert child.wait(20) == -signal.SIGKILL


def test_a_reused_pid_gets_no_signal(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """When /proc shows another start time under the pid, nothing is sent to who has it now."""
    earlier = _identity(child)._replace(start_ticks=1)
    assert send(earlier, signal.SIGKILL, ProcReader()) is Sent.NOT_THE_SAME
    assert child.poll() is None


def test_a_pid_that_changes_hands_while_we_look_gets_no_signal(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """The identity is read again under the pidfd: a plan made from an older picture of /proc is refused."""
    identity = _identity(child)
    later = tmp_path / "proc"
    for path in ("sys/kernel/random", "self/ns", str(child.pid)):
        (later / path).mkdir(parents=True)
    (later / "sys/kernel/random/boot_id").write_text(identity.boot_id)
    (later / "self/ns/pid").symlink_to(identity.pid_ns)
    stat = Path(f"/proc/{child.pid}/stat").read_text()
    newer = stat.replace(f" {identity.start_ticks} ", f" {identity.start_ticks + 1} ")
    (later / str(child.pid) / "stat").write_text(newer)
    assert send(identity, signal.SIGKILL, ProcReader(later)) is Sent.NOT_THE_SAME
    assert child.poll() is None


def test_another_boot_or_namespace_gets_no_signal(child: subprocess.Popen[bytes]) -> None:
    """An identity recorded before a restart, or in another container, is never signalled."""
    reader = ProcReader()
    for identity in (
        _identity(child)._replace(boot_id="earlier"),
        _identity(child)._replace(pid_ns="pid:[1]"),
    ):
        assert send(identity, signal.SIGKILL, reader) is Sent.NOT_THE_SAME
    assert child.poll() is None


def test_who_has_ended_is_gone(child: subprocess.Popen[bytes]) -> None:
    """A zombie and a reaped process are both answered as gone."""
    reader = ProcReader()
    identity = _identity(child)
    child.kill()
    wait_for_ends([identity], reader, 20)
    assert send(identity, signal.SIGTERM, reader) is Sent.GONE
    child.wait()
    assert send(identity, signal.SIGTERM, reader) is Sent.GONE


def test_init_and_our_own_line_are_never_signalled() -> None:
    """Init, this process and its ancestors are refused whatever identity is given."""
    reader = ProcReader()
    for pid in (1, os.getpid(), os.getppid()):
        identity = reader.identity(pid)
        assert identity is not None
        assert send(identity, signal.SIGCONT, reader) is Sent.REFUSED


def test_the_end_of_a_process_is_seen_through_its_pidfd(child: subprocess.Popen[bytes]) -> None:
    """A verified pidfd is quiet while the process lives and readable when it has ended."""
    pidfd = open_verified(_identity(child), ProcReader())
    assert not isinstance(pidfd, Sent)
    assert not has_ended(pidfd)
    child.kill()
    assert has_ended(pidfd, 20)
    os.close(pidfd)


def _identity(child: subprocess.Popen[bytes]) -> Identity:
    identity = ProcReader().identity(child.pid)
    assert identity is not None
    return identity
