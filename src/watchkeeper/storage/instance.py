"""One server on this machine, seen from outside: does it answer, who keeps it, what is its URL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg.pq import Ping

from watchkeeper.domain.errors import DatabaseUnavailable, SettingError
from watchkeeper.storage import postmaster, server_users
from watchkeeper.storage.keeper import Orders
from watchkeeper.storage.placement import Account

LOG_IN_SECONDS = 10
READ_BYTES = 1024 * 1024
TAIL_LINES = 6
TOO_MANY = ("too many clients", "remaining connection slots")


@dataclass(frozen=True)
class Instance:
    """The directory that holds a cluster and, beside it, the files of its server."""

    place: Path

    @property
    def cluster(self) -> Path:
        return self.place / "cluster"

    @property
    def log(self) -> Path:
        return self.place / "log" / "server.log"

    @property
    def start_lock(self) -> Path:
        return self.place / "start.lock"

    def ping(self) -> Ping:
        """Ask the server at its socket: OK, REJECT while it starts or stops, else NO_RESPONSE."""
        noted = postmaster.read_pid_file(self.cluster)
        if noted is None or noted.socket_dir is None:
            return Ping.NO_RESPONSE
        directory = str(noted.socket_dir).replace("\\", r"\\").replace("'", r"\'")
        where = f"host='{directory}' port=5432 dbname=postgres connect_timeout=2"
        return Ping(psycopg.pq.PGconn.ping(os.fsencode(where)))

    def answers(self) -> bool:
        return self.ping() is Ping.OK

    def postmaster(self) -> int | None:
        return postmaster.find(self.cluster)

    def is_kept(self) -> bool:
        """Tell whether a keeper lives: it is the server's parent, or stands in for one that was killed."""
        return server_users.is_held(self.place / "keeper.lock")

    def has_processes(self) -> bool:
        return self.is_kept() or bool(postmaster.processes(self.cluster))

    def users(self) -> tuple[server_users.ServerUser, ...]:
        return tuple(server_users.present(self.place / "users"))

    def url(self, *, user: str = "watchkeeper", database: str = "watchkeeper") -> str:
        """Return the libpq URL of the running server, password included."""
        noted = postmaster.read_pid_file(self.cluster)
        if noted is None or noted.socket_dir is None:
            raise DatabaseUnavailable(f"The embedded database in {self.place} does not run.")
        name = "password" if user == "watchkeeper" else "admin-password"
        password = (self.place / name).read_text().strip()
        where = urlencode({"host": os.fsencode(noted.socket_dir), "port": b"5432"}, safe="/", quote_via=quote)
        return f"postgresql://{user}:{password}@/{database}?{where}"

    def log_in(self) -> None:
        """Connect once as the product will; a server with no free connection counts as well."""
        try:
            psycopg.connect(self.url(), connect_timeout=LOG_IN_SECONDS).close()
        except psycopg.OperationalError as error:
            said = str(error).strip()
            if any(words in said for words in TOO_MANY):
                return
            if "password authentication failed" in said:
                raise SettingError(
                    f"The password in {self.place / 'password'} is not the one of the database beside it.",
                    hint="Restore the file and the database from the same backup.",
                ) from None
            raise DatabaseUnavailable(
                f"The embedded database runs, but refuses a connection: {said}"
            ) from None

    def give_keeper(self, orders: Orders) -> None:
        """Start a keeper, which starts the server or adopts the living one; returns once it has its lock."""
        with self._open_log() as log:
            subprocess.run(
                [sys.executable, "-S", "-m", "watchkeeper.storage.keeper", json.dumps(asdict(orders))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=postmaster.CLEAN_ENVIRONMENT | {"PYTHONPATH": str(Path(postmaster.__file__).parents[2])},
                start_new_session=True,
                check=False,  # another keeper was quicker, or the log says why not; the caller looks
            )

    def orders(self, program: Path, socket_dir: Path, account: Account, linger_seconds: float) -> Orders:
        return Orders(
            place=str(self.place),
            program=str(program),
            socket_dir=str(socket_dir),
            uid=account.uid,
            gid=account.gid,
            linger_seconds=linger_seconds,
            adopted=self.postmaster(),
        )

    def log_mark(self) -> int:
        """Return the log's present length, for `log_since`."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, mark: int) -> str:
        """Return the last lines that were written since a mark."""
        with self.log.open("rb") as file:
            file.seek(mark if mark <= self.log_mark() else 0)
            lines = file.read(READ_BYTES).decode(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    @contextmanager
    def _open_log(self) -> Iterator[int]:
        descriptor = os.open(
            self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            if os.geteuid() == 0:  # what root starts for another user's directory stays that user's
                owner = self.place.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            yield descriptor
        finally:
            os.close(descriptor)
