"""A primary and its synchronous standby, each a PostgreSQL of its own that nobody keeps: a failover is the test's."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from embedded_servers import servers, wheel
from waiting import wait_until
from watchkeeper.storage import placement, postmaster
from watchkeeper.storage.placement import Account

RECEIVING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"


@dataclass
class Node:
    """One server: its data, its socket's directory, and its process once it runs."""

    cluster: Path
    sockets: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def kill(self) -> None:
        """End it as a machine's death does: the postmaster and all that it started, at once."""
        for pid in postmaster.processes(self.cluster):
            with suppress(ProcessLookupError):  # it went with its postmaster
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)


class Pair:
    """Both nodes; `url` names both, and leads to the one that takes writes."""

    def __init__(self, directory: Path, programs: Path, account: Account, primary: Path) -> None:
        self._programs = programs
        self._account = account
        self._passwords = {
            "watchkeeper": (primary / "password").read_text().strip(),
            "postgres": (primary / "admin-password").read_text().strip(),
        }
        self._log = directory / "servers.log"
        self.primary = Node(primary / "cluster", self._made(directory / "a"))
        self.standby = Node(directory / "standby", self._made(directory / "b"))
        both = f"{self.primary.sockets},{self.standby.sockets}"
        self.url = self._url("watchkeeper", "watchkeeper", both, "5432,5432")

    def start(self) -> None:
        """Bring up the primary, copy it, and have it wait for its standby with every commit."""
        self._run(self.primary)
        copy = [self._programs / "pg_basebackup", "-D", self.standby.cluster, "-R", "-c", "fast"]
        where = self._url("postgres", "postgres", str(self.primary.sockets), "5432")
        self._as_account([*copy, "-d", where], check=True)
        self._run(self.standby)
        with self._admin(self.primary) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        wait_until(self._is_followed, 20, "the standby to follow")

    def promote(self) -> None:
        """Make the standby the primary; returns when it takes writes."""
        with self._admin(self.standby) as connection:
            connection.execute("SELECT pg_promote(wait => true)")

    def end(self) -> None:
        for node in (self.primary, self.standby):
            node.kill()

    def _is_followed(self) -> bool:
        with self._admin(self.primary) as connection:
            row = connection.execute(RECEIVING).fetchone()
        return row is not None and row[0] == 1

    def _run(self, node: Node) -> None:
        options = ["-D", node.cluster, "-k", node.sockets, "-p", "5432", "-c", "listen_addresses="]
        with self._log.open("ab") as log:
            node.process = subprocess.Popen(
                [self._programs / "postgres", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=postmaster.CLEAN_ENVIRONMENT,
                cwd="/",
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=[] if self._account.uid is not None else None,
                start_new_session=True,
            )
        wait_until(lambda: self._answers(node), 20, f"a server in {node.cluster}")

    def _answers(self, node: Node) -> bool:
        with suppress(psycopg.OperationalError), self._admin(node):
            return True
        return False

    def _admin(self, node: Node) -> psycopg.Connection[tuple[object, ...]]:
        url = self._url("postgres", "postgres", str(node.sockets), "5432")
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def _url(self, user: str, database: str, host: str, port: str) -> str:
        return psycopg.conninfo.make_conninfo(
            user=user, password=self._passwords[user], dbname=database, host=host, port=port
        )

    def _made(self, directory: Path) -> Path:
        directory.mkdir(mode=0o700)
        self._account.owns(directory)
        return directory

    def _as_account(self, command: list[str | Path], *, check: bool) -> None:
        subprocess.run(
            command,
            cwd="/",
            env=postmaster.CLEAN_ENVIRONMENT,
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=[] if self._account.uid is not None else None,
            check=check,
            timeout=60,
        )


@contextmanager
def replicated_pair() -> Iterator[Pair]:
    """Give a running pair; in the end no process of it is left."""
    with servers() as made:
        server = made.at("primary")
        account = placement.account_for(server.data_dir / "cluster")
        programs = placement.readable_binaries(wheel(), account, made.state_root).directory
        room = made.directory / "pair"
        room.mkdir(mode=0o755)
        account.owns(room)
        pair = Pair(room, programs, account, server.data_dir)
        try:
            pair.start()
            yield pair
        finally:
            pair.end()
