"""The embedded server's life: made, joined, used, left, stopped."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import embedded_servers as embedded
from waiting import wait_until
from watchkeeper.domain.errors import Conflict, DatabaseUnavailable
from watchkeeper.storage import keeper, postmaster
from watchkeeper.storage.binaries import Binaries

NEEDED = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "server_encoding": "UTF8",
    "listen_addresses": "",
    "max_connections": "200",
    "TimeZone": "UTC",
    "search_path": "watchkeeper, public",
    "is_superuser": "off",
    "shared_buffers": "128MB",
}


@pytest.fixture
def servers() -> Iterator[embedded.Servers]:
    with embedded.servers() as made:
        yield made


@embedded.BOTH
def test_a_new_database_is_what_the_product_needs(
    servers: embedded.Servers, programs: Callable[[], Binaries]
) -> None:
    """A first start gives a database of our own: durable, UTF-8, UTC, on a socket only, with a plain role."""
    server = servers.at(new=True, programs=programs())
    with server.user():
        url = server.start()
        settings = {name: embedded.ask(url, f"SELECT current_setting('{name}')") for name in NEEDED}
        cluster_name = embedded.ask(url, "SELECT current_setting('cluster_name')")
        version = embedded.ask(url, "SELECT current_setting('server_version_num')::int / 10000")
        owner = embedded.ask(
            url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'watchkeeper'"
        )
        superuser = embedded.ask(server.admin_url(), "SELECT current_setting('is_superuser')")
    assert settings == NEEDED
    assert str(cluster_name).startswith("watchkeeper-")
    assert (version, owner, superuser) == (programs().major, "watchkeeper", "on")


@embedded.BOTH
def test_a_second_start_finds_the_data(servers: embedded.Servers, programs: Callable[[], Binaries]) -> None:
    """After a stop the next start has every row and is ready within the 3 seconds that `up` may take."""
    server = servers.at(new=True, programs=programs())
    with server.user(stop_when_last=True):
        embedded.tell(server.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    assert server.status().state == "stopped"
    with server.user():
        began = time.monotonic()
        url = server.start()
        took = time.monotonic() - began
        assert embedded.ask(url, "SELECT number FROM kept") == 7
    assert took < 3


def test_the_passwords_are_for_the_owner_only(servers: embedded.Servers) -> None:
    """Nobody else can read the passwords, and without one there is no way in."""
    server = servers.at()
    with server.user():
        url = server.start()
        place = embedded.instance(server).place
        modes = {
            name: (place / name).stat().st_mode & 0o777 for name in ("password", "admin-password", "run")
        }
        password = (place / "password").read_text().strip()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url.replace(password, "wrong"), connect_timeout=5)
    assert modes == {"password": 0o600, "admin-password": 0o600, "run": 0o700}


def test_two_at_once_share_one_server(servers: embedded.Servers) -> None:
    """Two first starts at the same moment end with one database and both in it."""
    server = servers.at(new=True)
    with embedded.joined(server, 2) as (one, other):
        urls = {embedded.url_of(one), embedded.url_of(other)}
        assert len(urls) == 1
        assert embedded.ask(urls.pop(), "SELECT 1") == 1
        assert len(server.status().users) == 2
        assert len(embedded.keepers(embedded.instance(server).place)) == 1


def test_threads_may_start_it_together(servers: embedded.Servers) -> None:
    """Starting from several threads of one process gives each the same URL."""
    server = servers.at()
    urls: list[str] = []
    with server.user():
        threads = [threading.Thread(target=lambda: urls.append(server.start())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(urls) == 3
    assert len(set(urls)) == 1


def test_it_stops_after_its_last_user(servers: embedded.Servers) -> None:
    """The server runs on while anyone uses it, and leaves no process once the last has gone."""
    server = servers.at()
    with embedded.joined(server, 1) as (other,):
        url = embedded.url_of(other)
        with server.user():
            server.start()
        other_alone = server.status()
        assert embedded.ask(url, "SELECT 1") == 1
        assert [user.pid for user in other_alone.users] == [other.pid]
    wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")
    assert server.status().state == "stopped"
    assert postmaster.read_pid_file(embedded.instance(server).cluster) is None


def test_a_killed_user_does_not_keep_it(servers: embedded.Servers) -> None:
    """SIGKILL of the last user stops the server as well as an orderly end does."""
    server = servers.at()
    with embedded.joined(server) as (user,):
        embedded.url_of(user)
        user.kill()
        user.wait()
        wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")


def test_stop_names_who_uses_it(servers: embedded.Servers) -> None:
    """`db stop` refuses while someone uses the database and says who; forced, it ends their sessions."""
    server = servers.at()
    with embedded.joined(server) as (user,):
        url = embedded.url_of(user)
        with pytest.raises(Conflict, match=f"pid {user.pid}"):
            server.stop()
        assert embedded.ask(url, "SELECT 1") == 1
        assert server.stop(force=True)
        assert server.status().state == "stopped"
        assert not server.stop(force=True)
        assert not embedded.instance(server).has_processes()


def test_looking_changes_nothing(servers: embedded.Servers) -> None:
    """Status, url and stop of a database that was never made say so and make nothing."""
    server = servers.at(new=True)
    assert server.status().state == "absent"
    assert not server.stop()
    with pytest.raises(DatabaseUnavailable, match="does not run"):
        server.url()
    assert not server.data_dir.exists()


def test_a_person_hears_why_it_takes_long(servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery of any length is waited for, and the person is told every few seconds."""
    monkeypatch.setattr("watchkeeper.storage.embedded.TELL_EVERY_SECONDS", 0.1)
    server = servers.at()
    cluster, told = embedded.instance(server).cluster, threading.Event()
    server.progress = lambda sentence: told.set() if "starting up" in sentence else None
    go = servers.directory / "go"
    with (cluster / "postgresql.conf").open("a") as file:
        file.write(f"restore_command = 'until test -e {go}; do sleep 0.05; done; false'\n")
    (cluster / "recovery.signal").touch()
    urls: list[str] = []
    with server.user():
        starting = threading.Thread(target=lambda: urls.append(server.start()))
        starting.start()
        try:
            assert told.wait(20)
            wait_until(lambda: server.status().state == "starting", 20, "the recovery")
        finally:
            go.touch()
            starting.join(30)
        assert embedded.ask(urls[0], "SELECT 1") == 1


def test_the_log_stays_small(servers: embedded.Servers) -> None:
    """The server's log is turned over at its limit while the server goes on writing to it."""
    server = servers.at()
    with server.user():
        url = server.start()
        log = embedded.instance(server).log
        before = log.read_bytes()
        keeper.bound_log(log, limit=10)
        assert log.with_name("server.log.1").read_bytes() == before
        with pytest.raises(psycopg.Error):
            embedded.ask(url, "SELECT no_such_column")
        wait_until(lambda: "no_such_column" in log.read_text(), what="the new lines")
        assert log.stat().st_size < len(before) + 4096


def test_nothing_of_the_caller_reaches_the_server(
    servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of the caller do not steer or leak into the server, which lives in a session of its own."""
    monkeypatch.setenv("PGDATA", "elsewhere")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("WATCHKEEPER_TOKEN", "a-secret-of-the-caller")
    server = servers.at()
    with server.user():
        server.start()
        pid = server.status().pid
        assert pid is not None
        for process in (pid, embedded.keeper(server)):
            content = Path(f"/proc/{process}/environ").read_bytes()
            assert b"a-secret-of-the-caller" not in content
            assert b"elsewhere" not in content
            assert os.getsid(process) != os.getsid(0)
