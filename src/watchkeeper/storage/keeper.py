"""The postmaster's parent: starts it, reaps it, restarts it when killed, stops it when nobody uses it.

A process of its own (`python -m watchkeeper.storage.keeper`), outside the caller's session and, where
possible, cgroup, so that what ends the caller or sweeps its children never meets the database. Standard
library only.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.storage import keeper_scope, postmaster, server_users

LOG_BYTES = 8 * 1024 * 1024
LOOK_SECONDS = 1.0
RESTARTS = 5
RESTARTS_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Orders:
    """What a keeper is told: where the instance lies, which program serves it, and as whom."""

    place: str
    program: str
    socket_dir: str
    uid: int | None
    gid: int | None
    linger_seconds: float
    adopted: int | None


class Keeper:
    """Looks after one postmaster until it has ended for good."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.place = Path(orders.place)
        self.cluster = self.place / "cluster"
        self.child: subprocess.Popen[bytes] | None = None
        self.handle = -1
        self.stopping = False
        self.restarts: deque[float] = deque(maxlen=RESTARTS)

    def run(self) -> None:
        """Keep the server until it was stopped, cannot be started, or has had no user for the linger time."""
        if self.orders.adopted is None:
            self._start()
        else:
            self.handle = os.pidfd_open(self.orders.adopted)
        used_at = time.monotonic()
        while True:
            if self._ended_within(min(LOOK_SECONDS, self.orders.linger_seconds)):
                if not self._should_restart():
                    return
                self._start()
            if not self.cluster.exists():
                say("the database was removed; stopping its server")
                self.stop()
                continue
            bound_log(self.place / "log" / "server.log")
            if server_users.present(self.place / "users"):
                used_at = time.monotonic()
            elif time.monotonic() - used_at > self.orders.linger_seconds and self._stop_unless_wanted():
                return

    def stop(self) -> None:
        """Ask for a fast shutdown: sessions are ended, what they had not committed is rolled back."""
        self.stopping = True
        if self.handle >= 0:
            with suppress(ProcessLookupError):  # it has ended already
                signal.pidfd_send_signal(self.handle, signal.SIGINT)

    def _start(self) -> None:
        postmaster.end_orphans(self.cluster)
        for sentence in postmaster.clear_stale_locks(self.cluster, Path(self.orders.socket_dir)):
            say(sentence)
        self.child = subprocess.Popen(
            [self.orders.program, "-D", str(self.cluster), *server_options(self.orders)],
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=postmaster.CLEAN_ENVIRONMENT,
            user=self.orders.uid,
            group=self.orders.gid,
            extra_groups=[] if self.orders.uid is not None else None,
            umask=0o077,
        )
        self.handle = os.pidfd_open(self.child.pid)

    def _ended_within(self, seconds: float) -> bool:
        waiting = select.poll()
        waiting.register(self.handle, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return False
        os.close(self.handle)
        self.handle = -1
        if self.child is not None:
            say(f"the server ended with status {self.child.wait()}")
        return True

    def _should_restart(self) -> bool:
        # A postmaster that leaves by itself removes its pid file; one that was killed cannot.
        was_killed = postmaster.read_pid_file(self.cluster) is not None
        if self.stopping or not was_killed or not server_users.present(self.place / "users"):
            return False
        now = time.monotonic()
        if len(self.restarts) == RESTARTS and now - self.restarts[0] < RESTARTS_WITHIN_SECONDS:
            say(f"the server was killed {RESTARTS} times within {RESTARTS_WITHIN_SECONDS:.0f} s; giving up")
            return False
        self.restarts.append(now)
        say("the server was killed; starting it again")
        return True

    def _stop_unless_wanted(self) -> bool:
        with server_users.exclusive(self.place / "start.lock") as held:
            if not held or server_users.present(self.place / "users"):
                return False
            say("nobody uses the server any more; stopping it")
            self.stop()
            while not self._ended_within(LOOK_SECONDS):
                pass
            return True


def server_options(orders: Orders) -> list[str]:
    """List the settings that must hold whatever the cluster's postgresql.conf says."""
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": f'"{orders.socket_dir}"',
        "unix_socket_permissions": "0700",
        "cluster_name": postmaster.instance_name(Path(orders.place)),
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def bound_log(log: Path, limit: int = LOG_BYTES) -> None:
    """Keep one old log of the limit's size; the server has the file open, so it is copied and emptied."""
    # No links are followed: root may keep the server of a person who owns this directory.
    try:
        descriptor = os.open(log, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # removed by a person; the server writes on into the file that it has
    with os.fdopen(descriptor, "r+b") as file:
        if os.fstat(descriptor).st_size <= limit:
            return
        old = log.with_name(log.name + ".1")
        try:
            old.unlink(missing_ok=True)
            with old.open("xb") as copy:
                shutil.copyfileobj(file, copy)
        except OSError as error:
            say(f"the old part of the log is lost: {error}")
        os.ftruncate(descriptor, 0)


def say(sentence: str) -> None:
    """Write one line into the server's log, which is this process's standard error."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    with suppress(OSError):  # a full disk must not end the keeper
        print(f"{now} UTC [{os.getpid()}] keeper: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


def take_charge(place: Path) -> bool:
    """Become the one keeper of this instance until this process dies; False when there is another."""
    descriptor = os.open(place / "keeper.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    for _ in range(20):  # an onlooker holds it for an instant
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    os.close(descriptor)
    return False


def main() -> None:
    """Take charge, leave the caller behind, keep the server. Exit status 1: it has a keeper already."""
    orders = Orders(**json.loads(sys.argv[1]))
    if not take_charge(Path(orders.place)):
        sys.exit(1)
    # The caller waits for this process only; the child is nobody's but init's, and has the lock.
    if os.fork():
        os._exit(0)
    keeper = Keeper(orders)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    scope = keeper_scope.enter(postmaster.instance_name(Path(orders.place)))
    try:
        keeper.run()
    except OSError as error:
        say(f"the server cannot be kept: {error}")
        sys.exit(2)
    finally:
        keeper_scope.leave(scope)


if __name__ == "__main__":
    main()
