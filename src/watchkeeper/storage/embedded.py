"""The embedded PostgreSQL server: start or join it, count as its user, look at it, stop it.

Running is what answers on the socket. The server belongs to none of its users: a keeper process is its
parent, and stops it some seconds after the last user is gone, however that one went.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from psycopg.pq import Ping

from watchkeeper.domain.errors import Conflict, DatabaseUnavailable, SettingError
from watchkeeper.storage import cluster as clusters
from watchkeeper.storage import placement, postmaster, server_users
from watchkeeper.storage.binaries import Binaries
from watchkeeper.storage.instance import Instance
from watchkeeper.storage.server_users import ServerUser

LINGER_SECONDS = 5.0
POLL_SECONDS = 0.01
TELL_EVERY_SECONDS = 2.0
# A postmaster that calls itself ready answers in milliseconds; a suspended one, or one without socket, never.
SILENCE_SECONDS = 15.0

Progress = Callable[[str], None]
State = Literal["absent", "stopped", "starting", "running"]


@dataclass(frozen=True)
class ServerStatus:
    """What is known of an embedded server; `place` is where its files really are."""

    state: State
    data_dir: Path
    place: Path | None = None
    pid: int | None = None
    written_by: str | None = None
    users: tuple[ServerUser, ...] = ()


class EmbeddedServer:
    """One embedded PostgreSQL server, named by its data directory; many processes may use it at once."""

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Binaries,
        state_root: Path = placement.STATE_ROOT,
        linger_seconds: float = LINGER_SECONDS,
        progress: Progress = lambda sentence: None,  # noqa: ARG005 - silence is the default
    ) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.binaries = binaries
        self.state_root = state_root.resolve()
        self.linger_seconds = linger_seconds
        self.progress = progress

    @contextmanager
    def user(self, *, stop_when_last: bool = False) -> Iterator[None]:
        """Keep the server running until the block ends or the process dies.

        With `stop_when_last` the end of the block stops the server, and waits for it, unless somebody else
        uses it; without, its keeper stops it after the linger time.
        """
        instance, account = self._prepared()
        try:
            with server_users.hold(instance.place / "users"):
                yield
        finally:
            if stop_when_last:
                with suppress(Conflict):  # somebody else uses it
                    self.stop()
            elif not instance.is_kept() and instance.postmaster():
                # Its keeper was killed: without a new one the server would outlive its last user.
                with _translated(instance.place), self._alone(instance):
                    self._give_keeper(instance, account)

    def start(self) -> str:
        """Start the server, or join the one that runs; return its URL once crash recovery has ended.

        Without a `user()` somewhere it stops again after the linger time. Raises SettingError for what a
        person must decide, DatabaseUnavailable for what this machine refuses.
        """
        instance, account = self._prepared()
        with _translated(instance.place):
            with self._alone(instance):
                if instance.postmaster() is None and not instance.answers():
                    self._need_cluster(instance, account)
                self._bring_up(instance, account)
            instance.log_in()
            return instance.url()

    def url(self) -> str:
        """Return the URL of the running server without starting one; DatabaseUnavailable when none runs."""
        return self._existing().url()

    def admin_url(self) -> str:
        """Return the running server's URL for its superuser, as backup and restore need it."""
        return self._existing().url(user="postgres", database="postgres")

    def status(self) -> ServerStatus:
        """Look at the server; starts and changes nothing."""
        with _translated(self.data_dir):
            place = placement.existing_place(self.data_dir, self.state_root)
            if place is None:
                return ServerStatus("absent", self.data_dir)
            instance = Instance(place)
            pid = instance.postmaster()
            state: State = "running" if instance.answers() else "starting" if pid else "stopped"
            version = instance.cluster / "PG_VERSION"
            written_by = version.read_text().strip() if version.exists() else None
            return ServerStatus(state, self.data_dir, place, pid, written_by, instance.users())

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server and wait until it has ended; False when none ran.

        Raises Conflict while somebody uses it, unless forced: then their sessions are ended.
        """
        place = placement.existing_place(self.data_dir, self.state_root)
        if place is None:
            return False
        instance = Instance(place)
        with _translated(place), self._alone(instance):
            pid, users = instance.postmaster(), instance.users()
            if pid and users and not force:
                names = ", ".join(f"{user.command or 'a process'} (pid {user.pid})" for user in users)
                raise Conflict(
                    f"The database is in use by {names}.",
                    hint="Stop these first; or use --force, which ends their sessions.",
                )
            telling = _Telling(self.progress, "the database is stopping; it writes a last checkpoint")
            asked: int | None = None
            while instance.has_processes():
                # A keeper may be about to start a killed server again: that one is asked too.
                if pid is not None and pid != asked:
                    asked = pid
                    _ask_to_stop(pid)
                telling.wait()
                pid = instance.postmaster()
            return asked is not None

    def _existing(self) -> Instance:
        place = placement.existing_place(self.data_dir, self.state_root)
        if place is None or not Instance(place).answers():
            raise DatabaseUnavailable(
                f"The embedded database in {self.data_dir} does not run.", hint="'watchkeeper up' starts it."
            )
        return Instance(place)

    def _prepared(self) -> tuple[Instance, placement.Account]:
        with _translated(self.data_dir):
            place = placement.existing_place(self.data_dir, self.state_root)
            account = placement.account_for(place / "cluster" if place else None)
            if place is None:
                place = placement.new_place(self.data_dir, account, self.state_root)
            for name in ("users", "log"):
                placement.make_directory(place / name)
            return Instance(place), account

    @contextmanager
    def _alone(self, instance: Instance) -> Iterator[None]:
        telling = _Telling(self.progress, "another process is starting or stopping the database")
        while True:
            with server_users.exclusive(instance.start_lock) as held:
                if held:
                    yield
                    return
            telling.wait()

    def _need_cluster(self, instance: Instance, account: placement.Account) -> None:
        if not instance.cluster.exists():
            self.progress("making a new database")
            clusters.create(instance.place, self._readable_binaries(account), account)
        clusters.check(instance.place, self.binaries)

    def _bring_up(self, instance: Instance, account: placement.Account) -> None:
        mark, launched, silent_since = instance.log_mark(), False, time.monotonic()
        telling = _Telling(
            self.progress, "the database is starting up; after a crash it replays its log first"
        )
        while True:
            living, kept, answer = instance.postmaster(), instance.is_kept(), instance.ping()
            if answer is Ping.OK and (kept or not living):
                return
            if not kept and (living or not launched):
                launched = launched or not living
                self._give_keeper(instance, account)
            elif not kept and not instance.is_kept():
                raise _did_not_start(instance, mark)
            if answer is not Ping.NO_RESPONSE or not _calls_itself_ready(instance):
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > SILENCE_SECONDS:
                raise _silent(instance)
            telling.wait()

    def _give_keeper(self, instance: Instance, account: placement.Account) -> None:
        program = self._readable_binaries(account).directory / "postgres"
        socket_dir = placement.socket_directory(instance.place, account)
        instance.give_keeper(instance.orders(program, socket_dir, account, self.linger_seconds))

    def _readable_binaries(self, account: placement.Account) -> Binaries:
        return placement.readable_binaries(self.binaries, account, self.state_root)


class _Telling:
    """Wait in small steps and tell the person every other second what for."""

    def __init__(self, progress: Progress, sentence: str) -> None:
        self.progress = progress
        self.sentence = sentence
        self.told_at = time.monotonic()

    def wait(self) -> None:
        if time.monotonic() - self.told_at > TELL_EVERY_SECONDS:
            self.told_at = time.monotonic()
            self.progress(self.sentence)
        time.sleep(POLL_SECONDS)


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise SettingError(
            f"The embedded database in {where} is another user's: {error.filename} cannot be opened.",
            hint="Run as the user that made it, or set WATCHKEEPER_HOME to a directory of your own.",
        ) from error
    except OSError as error:
        advice = "Free some space, then start again." if error.errno == errno.ENOSPC else None
        raise DatabaseUnavailable(
            f"The embedded database in {where} cannot be used: {error.strerror} ({error.filename}).",
            hint=advice,
        ) from error


def _ask_to_stop(pid: int) -> None:
    with suppress(ProcessLookupError):  # it ended by itself just now
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGCONT)  # a suspended one hears it too


def _calls_itself_ready(instance: Instance) -> bool:
    noted = postmaster.read_pid_file(instance.cluster)
    return noted is not None and noted.status == "ready"


def _did_not_start(instance: Instance, mark: int) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The embedded database in {instance.place} did not start: {instance.log_since(mark)}",
        hint=f"{instance.log} has the whole story.",
    )


def _silent(instance: Instance) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The embedded database's server (pid {instance.postmaster()}) lives, but does not answer.",
        hint=f"Is it suspended, or was {instance.place} tidied up? 'watchkeeper db stop --force' ends it.",
    )
