"""What only looks like the embedded server, and does not keep it from starting."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import embedded_servers as embedded
from waiting import wait_until
from watchkeeper.storage import postmaster
from watchkeeper.storage.binaries import Binaries
from watchkeeper.storage.embedded import EmbeddedServer

# A parent that adopts orphans and never reaps them, as the first process of many containers.
NEGLIGENT_INIT = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
starter = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdin=subprocess.PIPE, stdout=sys.stdout)
sys.stdin.read()
starter.stdin.close()
"""

LOOK_WITHOUT_PTRACE = """
import os, subprocess, sys
if len(sys.argv) == 2:
    import ctypes
    ctypes.CDLL(None).prctl(24, 19, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_SYS_PTRACE: gone after the exec
    os.execv(sys.executable, [sys.executable, "-c", sys.orig_argv[2], sys.argv[1], "dropped"])
from pathlib import Path
from watchkeeper.storage import postmaster
cluster = Path(sys.argv[1])
pid = postmaster.find(cluster)
try:
    print(os.readlink(f"/proc/{pid}/cwd"))
except PermissionError:
    print("hidden")
print(pid, *sorted(postmaster.processes(cluster)))
"""


@pytest.fixture
def servers() -> Iterator[embedded.Servers]:
    with embedded.servers() as made:
        yield made


@embedded.BOTH
def test_a_zombie_is_not_a_server(servers: embedded.Servers, programs: Callable[[], Binaries]) -> None:
    """A dead postmaster that nobody reaps, as in many containers, does not hinder the next start."""
    server = servers.at(programs=programs())
    arguments = map(
        str, (server.data_dir, server.binaries.directory, server.state_root, server.linger_seconds)
    )
    init = subprocess.Popen(
        [sys.executable, "-c", NEGLIGENT_INIT, embedded.JOIN, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=embedded.clean_environment(),
    )
    try:
        url = embedded.url_of(init)
        embedded.tell(url, "CREATE TABLE kept AS SELECT 7 AS number")
        dead = embedded.running(server)
        embedded.end(embedded.keeper(server))
        wait_until(lambda: not embedded.instance(server).is_kept(), what="the keeper's end")
        embedded.end(dead)
        wait_until(lambda: embedded.state_of(dead) == "Z", what="the zombie")
        noted = postmaster.read_pid_file(embedded.instance(server).cluster)
        assert noted is not None
        assert noted.pid == dead
        assert server.start() == url
        assert embedded.state_of(dead) == "Z"
        assert embedded.ask(url, "SELECT number FROM kept") == 7
    finally:
        init.communicate()


def put_into_locks(server: EmbeddedServer, pid: int) -> None:
    """Make both lock files name this process, as when its pid was the server's before a reboot."""
    place = embedded.instance(server).place
    lock = place / "cluster" / "postmaster.pid"
    started = f"{pid}\n{place / 'cluster'}\n1700000000\n5432\n{place / 'run'}\n\n  1 1\nready   \n"
    for file in (lock, place / "run" / f"{postmaster.SOCKET_NAME}.lock"):
        file.write_text(started)
        owner = (place / "cluster").stat()
        os.chown(file, owner.st_uid, owner.st_gid)
        file.chmod(0o600)


@embedded.BOTH
def test_a_reused_pid_is_not_a_server(servers: embedded.Servers, programs: Callable[[], Binaries]) -> None:
    """A stale pid file that names somebody else's living process stops nothing and harms nobody."""
    server = servers.at(programs=programs())
    owner = (embedded.instance(server).cluster).stat()
    as_server = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "60"], **as_server)
    try:
        put_into_locks(server, stranger.pid)
        assert server.status().state == "stopped"
        with server.user(stop_when_last=True):
            assert embedded.ask(server.start(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_reused_pid_of_another_database(servers: embedded.Servers) -> None:
    """The pid in a stale file may be another Watchkeeper database's: both run, each its own."""
    one, other = servers.at("one"), servers.at("other")
    with one.user(), other.user():
        one_url = one.start()
        other.start()
        other.stop(force=True)
        put_into_locks(other, embedded.running(one))
        assert other.status().state == "stopped"
        other_url = other.start()
        assert other_url != one_url
        assert embedded.answers(one_url)
        assert embedded.answers(other_url)
        assert embedded.running(one) != embedded.running(other)


def test_a_spoilt_pid_file(servers: embedded.Servers) -> None:
    """A pid file that a full disk left empty does not keep the database from starting."""
    server = servers.at()
    (embedded.instance(server).cluster / "postmaster.pid").touch(mode=0o600)
    with server.user():
        assert embedded.answers(server.start())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be a root without CAP_SYS_PTRACE")
def test_processes_are_recognised_without_ptrace(servers: embedded.Servers) -> None:
    """Root of a container, who may not look into other users' processes, still tells whose server it is."""
    server = servers.at()
    with server.user():
        server.start()
        cluster = embedded.instance(server).cluster
        before = set(postmaster.processes(cluster))
        seen = subprocess.run(
            [sys.executable, "-c", LOOK_WITHOUT_PTRACE, str(cluster)],
            capture_output=True,
            text=True,
            env=embedded.clean_environment(),
            check=True,
        )
        lasting = before & set(postmaster.processes(cluster))
        hidden, pid, *pids = seen.stdout.split()
        assert (hidden, int(pid)) == ("hidden", embedded.running(server))
        assert lasting <= {int(pid) for pid in pids}
