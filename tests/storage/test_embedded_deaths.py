"""What was killed, and how the embedded server comes back from it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
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


def running(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def answers(url: str) -> bool:
    try:
        return embedded.ask(url, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and state_of(pid) != "Z"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@embedded.BOTH
def test_a_killed_server_is_started_again(
    servers: embedded.Servers, programs: Callable[[], Binaries]
) -> None:
    """SIGKILL of the postmaster costs its users a moment: it comes back by itself with all committed rows."""
    server = servers.at(programs=programs())
    with server.user():
        url = server.start()
        embedded.tell(url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n")
        killed = running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: server.status().pid not in {None, killed} and answers(url), 20, "a new postmaster")
        assert embedded.ask(url, "SELECT count(*) FROM kept") == 1000
        assert server.start() == url


def test_a_busy_session_does_not_hold_up_the_restart(servers: embedded.Servers) -> None:
    """A session too busy to notice its postmaster's death is ended, so that the database can come back."""
    server = servers.at()
    with server.user():
        url = server.start()
        connection = psycopg.connect(url, autocommit=True)
        backend = connection.info.backend_pid
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
        killed = running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: server.status().pid not in {None, killed} and answers(url), 30, "a new postmaster")
        assert backend not in postmaster.processes(embedded.instance(server).cluster)
        connection.close()


def test_a_killed_keeper_is_replaced(servers: embedded.Servers) -> None:
    """SIGKILL of the keeper disturbs no session; the next start gives the server a new one."""
    server = servers.at()
    with embedded.joined(server) as (user,):
        url = embedded.url_of(user)
        with psycopg.connect(url, autocommit=True) as connection:
            first = embedded.keeper(server)
            embedded.end(first)
            wait_until(lambda: not embedded.instance(server).is_kept(), what="the keeper's end")
            assert server.start() == url
            assert embedded.keeper(server) != first
            assert connection.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")


def test_the_last_user_sees_a_server_without_keeper_off(servers: embedded.Servers) -> None:
    """A server whose keeper was killed still stops when its last user leaves."""
    server = servers.at()
    with server.user():
        server.start()
        embedded.end(embedded.keeper(server))
        wait_until(lambda: not embedded.instance(server).is_kept(), what="the keeper's end")
    wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")


def test_a_killed_adopted_server_is_started_again(servers: embedded.Servers) -> None:
    """A keeper that took a living server over restarts it as its own when that one is killed."""
    server = servers.at()
    with server.user():
        url = server.start()
        embedded.end(embedded.keeper(server))
        wait_until(lambda: not embedded.instance(server).is_kept(), what="the keeper's end")
        server.start()
        killed = running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: server.status().pid not in {None, killed} and answers(url), 20, "a new postmaster")


def test_a_keeper_told_to_end_stops_the_server(servers: embedded.Servers) -> None:
    """SIGTERM of the keeper, as when the machine goes down, is an orderly stop."""
    server = servers.at()
    with server.user():
        server.start()
        os.kill(embedded.keeper(server), signal.SIGTERM)
        wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")
        assert postmaster.read_pid_file(embedded.instance(server).cluster) is None


def test_a_removed_database_leaves_no_process(servers: embedded.Servers) -> None:
    """Who removes the home of a running Watchkeeper, as one does with a clone, is left with no server."""
    server = servers.at()
    with embedded.joined(server) as (user,):
        embedded.url_of(user)
        place, pids = embedded.instance(server).place, [running(server), embedded.keeper(server)]
        shutil.rmtree(place)
        wait_until(lambda: not embedded.keepers(place), 20, "the keeper's end")
    wait_until(lambda: not any(alive(pid) for pid in pids), 20, "the server's end")


def test_a_start_killed_half_way(servers: embedded.Servers) -> None:
    """SIGKILL in the middle of a first start leaves no half database: the next start makes a whole one."""
    server = servers.at(new=True)
    with embedded.joined(server) as (user,):
        wait_until(
            lambda: list(server.data_dir.glob("unfinished-*/cluster/PG_VERSION")), what="initdb's work"
        )
        user.kill()
        user.wait()
    assert not (server.data_dir / "cluster").exists()
    with server.user():
        assert embedded.ask(server.start(), "SELECT current_user") == "watchkeeper"


@embedded.BOTH
def test_all_gone_at_once(servers: embedded.Servers, programs: Callable[[], Binaries]) -> None:
    """After a power cut (every process gone, lock files and sockets left) the next start has all rows."""
    server = servers.at(programs=programs())
    with embedded.joined(server) as (user,):
        url = embedded.url_of(user)
        embedded.tell(url, "CREATE TABLE kept AS SELECT 7 AS number")
        cluster = embedded.instance(server).cluster
        for pid in [user.pid, embedded.keeper(server), *postmaster.processes(cluster)]:
            embedded.end(pid)
        user.wait()
    wait_until(lambda: not embedded.instance(server).has_processes(), what="everybody's end")
    assert (cluster / "postmaster.pid").exists()
    with server.user():
        assert server.start() == url
        assert embedded.ask(url, "SELECT number FROM kept") == 7


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
        dead = running(server)
        embedded.end(embedded.keeper(server))
        wait_until(lambda: not embedded.instance(server).is_kept(), what="the keeper's end")
        embedded.end(dead)
        wait_until(lambda: state_of(dead) == "Z", what="the zombie")
        noted = postmaster.read_pid_file(embedded.instance(server).cluster)
        assert noted is not None
        assert noted.pid == dead
        assert server.start() == url
        assert state_of(dead) == "Z"
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
        put_into_locks(other, running(one))
        assert other.status().state == "stopped"
        other_url = other.start()
        assert other_url != one_url
        assert answers(one_url)
        assert answers(other_url)
        assert running(one) != running(other)


def test_a_spoilt_pid_file(servers: embedded.Servers) -> None:
    """A pid file that a full disk left empty does not keep the database from starting."""
    server = servers.at()
    (embedded.instance(server).cluster / "postmaster.pid").touch(mode=0o600)
    with server.user():
        assert answers(server.start())


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
        assert (hidden, int(pid)) == ("hidden", running(server))
        assert lasting <= {int(pid) for pid in pids}
