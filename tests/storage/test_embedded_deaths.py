"""What was killed, and how the embedded server comes back from it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import embedded_servers as embedded
from waiting import wait_until
from watchkeeper.storage import postmaster
from watchkeeper.storage.binaries import Binaries


@pytest.fixture
def servers() -> Iterator[embedded.Servers]:
    with embedded.servers() as made:
        yield made


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and embedded.state_of(pid) != "Z"


@embedded.BOTH
def test_a_killed_server_is_started_again(
    servers: embedded.Servers, programs: Callable[[], Binaries]
) -> None:
    """SIGKILL of the postmaster costs its users a moment: it comes back by itself with all committed rows."""
    server = servers.at(programs=programs())
    with server.user():
        url = server.start()
        embedded.tell(url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n")
        killed = embedded.running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: server.status().pid not in {None, killed} and embedded.answers(url),
            20,
            "a new postmaster",
        )
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
        killed = embedded.running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: server.status().pid not in {None, killed} and embedded.answers(url),
            30,
            "a new postmaster",
        )
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
        killed = embedded.running(server)
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: server.status().pid not in {None, killed} and embedded.answers(url),
            20,
            "a new postmaster",
        )


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
        place, pids = embedded.instance(server).place, [embedded.running(server), embedded.keeper(server)]
        # The server removes files too once it sees what happens, and what is gone already is no error to who removes.
        wait_until(
            lambda: shutil.rmtree(place, ignore_errors=True) or not place.exists(), 20, "the home's removal"
        )
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
