"""What the embedded server refuses, and that the text tells a person what to do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import embedded_servers as embedded
from watchkeeper.domain.errors import DatabaseUnavailable, SettingError
from watchkeeper.storage import cluster as clusters
from watchkeeper.storage.embedded import EmbeddedServer


@pytest.fixture
def servers() -> Iterator[embedded.Servers]:
    with embedded.servers() as made:
        yield made


def test_another_major_version(servers: embedded.Servers) -> None:
    """A database of another PostgreSQL is refused with both versions and the way out, and is not touched."""
    older = embedded.debian()
    if older.major == embedded.wheel().major:
        pytest.skip("needs two major versions of PostgreSQL")
    server = servers.at(programs=older)
    with server.user(stop_when_last=True):
        url = server.start()
        embedded.tell(url, "CREATE TABLE kept AS SELECT 7 AS number")
    newer = EmbeddedServer(server.data_dir, binaries=embedded.wheel(), state_root=servers.state_root)
    with pytest.raises(SettingError) as refusal:
        newer.start()
    assert (
        f"written by PostgreSQL {older.major}, these programs are {newer.binaries.version}"
        in refusal.value.message
    )
    assert "WATCHKEEPER_POSTGRES_BIN" in refusal.value.advice
    with server.user():
        assert embedded.ask(server.start(), "SELECT number FROM kept") == 7
        assert newer.start() == url, "one that runs can be joined with any programs"


def test_a_directory_of_other_files(servers: embedded.Servers) -> None:
    """A directory that holds other people's files is not made into a database, and keeps them."""
    server = servers.at(new=True)
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "thesis.txt").write_text("mine")
    with pytest.raises(SettingError, match=r"holds other files \(thesis.txt\)"):
        server.start()
    assert (server.data_dir / "thesis.txt").read_text() == "mine"
    assert not (server.data_dir / "cluster").exists()


def test_a_cluster_that_somebody_else_made(servers: embedded.Servers) -> None:
    """A PostgreSQL data directory of other origin is named as such and left alone."""
    server = servers.at(new=True)
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "PG_VERSION").write_text("18\n")
    with pytest.raises(SettingError, match="a PostgreSQL cluster that Watchkeeper did not make"):
        server.start()


def test_a_cluster_that_is_none(servers: embedded.Servers) -> None:
    """A `cluster` directory without a database in it is refused, not filled."""
    server = servers.at()
    (embedded.instance(server).cluster / "PG_VERSION").unlink()
    with pytest.raises(SettingError, match="has no PG_VERSION"):
        server.start()


def test_a_half_made_database_is_made_anew(
    servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first start that was killed, or failed half way, leaves nothing that the next one stumbles over."""
    server = servers.at(new=True)
    with server.user():
        place = Path(server.data_dir)
        (place / f"{clusters.UNFINISHED}abc" / "cluster").mkdir(parents=True)
        (place / f"{clusters.UNFINISHED}abc" / "cluster" / "PG_VERSION").write_text("18\n")
        with monkeypatch.context() as broken:
            broken.setattr(clusters, "_bootstrap", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                server.start()
        assert not (place / "cluster").exists()
        assert embedded.ask(server.start(), "SELECT 1") == 1
    assert not list(place.glob(f"{clusters.UNFINISHED}*"))


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[Path]:
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", directory],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs root that may mount a small disk")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def test_a_full_disk(servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk too small for a new database is named with its free space, before and when it happens."""
    with small_disk(servers.directory / "disk", 20):
        server = servers.at("disk/home", new=True)
        with pytest.raises(DatabaseUnavailable, match=r"has (19|20) MB free, about 80 MB are needed"):
            server.start()
        monkeypatch.setattr(clusters, "_need_space", lambda place: None)
        with pytest.raises(DatabaseUnavailable, match="disk is too full") as refusal:
            server.start()
        assert "Free some space" in refusal.value.advice
        assert not (server.data_dir / "cluster").exists()
        assert not list(server.data_dir.glob(f"{clusters.UNFINISHED}*"))


def test_a_setting_that_postgresql_refuses(servers: embedded.Servers) -> None:
    """When the server does not start, the message holds PostgreSQL's own reason and where the log is."""
    server = servers.at()
    configuration = embedded.instance(server).cluster / "postgresql.conf"
    with configuration.open("a") as file:
        file.write("max_connections = many\n")
    with pytest.raises(DatabaseUnavailable, match="invalid value for parameter") as refusal:
        server.start()
    assert "server.log" in refusal.value.advice
    assert not embedded.instance(server).has_processes()


def test_a_lost_password(servers: embedded.Servers) -> None:
    """A password file that is missing or of another database is named, instead of a failed log-in."""
    server = servers.at()
    with server.user(stop_when_last=True):
        server.start()
    password = embedded.instance(server).place / "password"
    kept = password.read_text()
    password.write_text("of-another\n")
    with (
        server.user(stop_when_last=True),
        pytest.raises(SettingError, match="is not the one of the database"),
    ):
        server.start()
    password.unlink()
    with pytest.raises(SettingError, match="password is missing"):
        server.start()
    password.write_text(kept)
    with server.user():
        assert embedded.ask(server.start(), "SELECT 1") == 1


def test_a_server_that_does_not_answer(servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended server is not waited for without end, and `db stop --force` ends it."""
    monkeypatch.setattr("watchkeeper.storage.embedded.SILENCE_SECONDS", 0.5)
    server = servers.at()
    with server.user():
        server.start()
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(DatabaseUnavailable, match=f"pid {pid}.* lives, but does not answer"):
            server.start()
        assert server.stop(force=True)


def test_a_lost_socket(servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose socket was tidied away is told from one that starts, and can be stopped and started."""
    monkeypatch.setattr("watchkeeper.storage.embedded.SILENCE_SECONDS", 0.5)
    server = servers.at()
    with server.user():
        server.start()
        shutil.rmtree(embedded.instance(server).place / "run")
        with pytest.raises(DatabaseUnavailable, match="does not answer"):
            server.start()
        server.stop(force=True)
        assert embedded.ask(server.start(), "SELECT 1") == 1
