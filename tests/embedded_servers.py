"""Embedded servers for tests: in a directory of their own, ended without a trace whatever the test did."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
import pytest

import watchkeeper
from waiting import wait_until
from watchkeeper.domain.errors import SettingError
from watchkeeper.storage import binaries, postmaster
from watchkeeper.storage.binaries import Binaries
from watchkeeper.storage.embedded import EmbeddedServer
from watchkeeper.storage.instance import Instance

SOURCE = str(Path(watchkeeper.__file__).parents[1])
LINGER_SECONDS = 0.3

JOIN = """
import sys
from pathlib import Path
from watchkeeper.storage import binaries
from watchkeeper.storage.embedded import EmbeddedServer
data_dir, programs, state_root, linger = sys.argv[1:5]
server = EmbeddedServer(Path(data_dir), binaries=binaries.find(Path(programs)),
                        state_root=Path(state_root), linger_seconds=float(linger))
with server.user():
    print(server.start(), flush=True)
    sys.stdin.read()
"""


def wheel() -> Binaries:
    """Give the programs that come with the product."""
    return binaries.find()


def debian() -> Binaries:
    """Give the system's oldest PostgreSQL that will do, or skip by name."""
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        with suppress(SettingError):
            return binaries.find(directory)
    pytest.skip("needs a system PostgreSQL: apt-get install postgresql-15")


BOTH = pytest.mark.parametrize("programs", [wheel, debian], ids=["wheel", "system"])


class Servers:
    """Makes embedded servers below one directory and ends them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_root = directory / "state"
        self.made: list[EmbeddedServer] = []

    def at(
        self, name: str = "home", programs: Binaries | None = None, *, new: bool = False
    ) -> EmbeddedServer:
        """Give a server with a stopped, empty database; a new one makes its database at its first start."""
        programs = programs or wheel()
        data_dir = self.directory / name / "database"
        server = EmbeddedServer(
            data_dir, binaries=programs, state_root=self.state_root, linger_seconds=LINGER_SECONDS
        )
        self.made.append(server)
        if not new:
            subprocess.run(["mkdir", "-p", data_dir.parent], check=True)
            subprocess.run(["cp", "-a", _made_once(programs), data_dir], check=True)
        return server

    def end(self) -> None:
        for server in self.made:
            place = server.status().place
            if place is None:
                continue
            for pid in keepers(place):
                end(pid)
            for pid in postmaster.processes(place / "cluster"):
                end(pid)
            wait_until(lambda place=place: not Instance(place).has_processes(), 20, f"the end of {place}")
            remove_scope(place)


@cache
def _made_once(programs: Binaries) -> Path:
    """Make the database that tests copy, as most of them are about what comes after a first start."""
    directory = Path(tempfile.mkdtemp(prefix="wk-"))
    directory.chmod(0o711)
    atexit.register(shutil.rmtree, directory)
    server = EmbeddedServer(directory / "database", binaries=programs)
    with server.user(stop_when_last=True):
        server.start()
    return server.data_dir


@contextmanager
def servers() -> Iterator[Servers]:
    """Give servers in a directory that every user can enter; pytest's own are closed to others."""
    directory = Path(tempfile.mkdtemp(prefix="wk-"))
    directory.chmod(0o711)
    made = Servers(directory)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(directory)


def instance(server: EmbeddedServer) -> Instance:
    place = server.status().place
    assert place is not None
    return Instance(place)


def keepers(place: Path) -> list[int]:
    """List the living keepers of one place."""
    wanted = f'"place": "{place}"'.encode()
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and wanted in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def keeper(server: EmbeddedServer) -> int:
    (pid,) = wait_until(lambda: keepers(instance(server).place), what="one keeper")
    return pid


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def remove_scope(place: Path) -> None:
    """Remove the cgroup that a keeper leaves behind when it is killed; the next one would use it again."""
    for scope in (root / postmaster.instance_name(place) for root in cgroup_roots()):
        if scope.exists():
            events = scope / "cgroup.events"
            wait_until(lambda events=events: "populated 0" in events.read_text(), what="an empty scope")
            scope.rmdir()


def cgroup_roots() -> list[Path]:
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [Path(fields[4]) for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"]


def clean_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE}


@contextmanager
def joined(
    server: EmbeddedServer, count: int = 1, prelude: str = ""
) -> Iterator[list[subprocess.Popen[str]]]:
    """Run processes that use the server as `up` does, until the block ends."""
    arguments = [server.data_dir, server.binaries.directory, server.state_root, server.linger_seconds]
    users = [
        subprocess.Popen(
            [sys.executable, "-c", prelude + JOIN, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        for _ in range(count)
    ]
    try:
        yield users
    finally:
        for user in users:
            user.kill()
            user.communicate()


def url_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def ask(url: str, query: str) -> object:
    """Ask for one value."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def running(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def answers(url: str) -> bool:
    try:
        return ask(url, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
