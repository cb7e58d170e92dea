"""One PostgreSQL for the whole run, one fresh database for each test, and a clock that tests can move."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest

from moving_clock import MovingClock
from watchkeeper.app import whole as root
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find
from watchkeeper.storage.database import Database, DatabaseConfig
from watchkeeper.storage.embedded import EmbeddedServer
from watchkeeper.storage.migrate import known_migrations

# How long an example takes depends on what else the machine does; speed is shown by `make bench`.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


@dataclass(frozen=True)
class TestServer:
    """A server that databases are made on; `admin_url` may create them."""

    __test__ = False

    admin_url: str
    template: str

    def url(self, name: str) -> str:
        return psycopg.conninfo.make_conninfo(self.admin_url, dbname=name)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """Make a database from the template, or an empty one, give its URL, and drop it."""
        name = f"test_{uuid4().hex}"
        template = "template0" if empty else self.template
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.url(name)
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session")
def server(shared_directory: Path) -> Iterator[TestServer]:
    """The PostgreSQL of this run: the one that TEST_DATABASE_URL names, else the wheel's."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield _with_template(url, shared_directory)
        return
    # Beside pytest's own directory, which is closed to the system user that the server runs as under root.
    place = (
        Path(tempfile.gettempdir())
        / f"watchkeeper-tests-{hashlib.sha256(bytes(shared_directory)).hexdigest()[:12]}"
    )
    place.mkdir(mode=0o711, exist_ok=True)
    embedded = EmbeddedServer(place / "postgresql", binaries=find())
    with embedded.user(stop_when_last=True):
        embedded.start()
        yield _with_template(embedded.admin_url(), shared_directory)
    if embedded.status().state == "stopped":
        shutil.rmtree(place, ignore_errors=True)


def _with_template(admin_url: str, shared_directory: Path) -> TestServer:
    """Make the template once a run: the migrated schema, with a clock that can be moved."""
    name = f"template_{shared_directory.name.replace('-', '_')}_{os.getppid()}"
    with (shared_directory / "template.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        made = shared_directory / "template.name"
        if made.exists():
            return TestServer(admin_url, made.read_text())
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with psycopg.connect(psycopg.conninfo.make_conninfo(admin_url, dbname=name)) as connection:
            connection.execute("CREATE SCHEMA watchkeeper")
            connection.execute(
                "CREATE TABLE watchkeeper.schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
            )
            for migration in known_migrations():
                connection.execute(migration.text)
                connection.execute(
                    "INSERT INTO watchkeeper.schema_migrations (version, name) VALUES (%s, %s)",
                    (migration.version, migration.name),
                )
            MovingClock.install(connection)
        made.write_text(name)
    return TestServer(admin_url, name)


@pytest.fixture
def database_url(server: TestServer) -> Iterator[str]:
    """The URL of a fresh, migrated database of this test's own."""
    with server.database() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database of this test's own."""
    database = Database(DatabaseConfig(database_url, pool_size=8))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def clock(database_url: str) -> MovingClock:
    """The clock of this test's database."""
    return MovingClock(database_url)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url)


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[root.App]:
    """All services on this test's database, with a project named `p`."""
    built = root.build(settings, database)
    await built.kinds.ensure_project("p")
    yield built
    await built.wakeups.stop()
    await built.refusals.stop()
