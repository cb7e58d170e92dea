"""Which of the workers of a home this process is: a number held by a lock, so that a restart finds its own.

Workers of several projects and agents may share a home: each directory notes the token, agent and pool that it was
used with, and while it holds attempts that are not over it is only for a worker that could have claimed them itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents import records
from watchkeeper.agents.scope import home_hash
from watchkeeper.domain.errors import SettingError
from watchkeeper.logs import log
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.records import AttemptRecords, attempts_in

MOST_ON_ONE_HOME = 1000
OWNER = "owner.json"


@dataclass(frozen=True)
class Place:
    """A worker's name and directory. `orphaned` are directories of workers of this home that are gone."""

    worker_id: str
    directory: Path
    orphaned: tuple[Path, ...] = ()

    def adopted(self) -> tuple[Path, ...]:
        """Give the orphaned directories whose attempts are not all over: there are agents to go on with."""
        return tuple(directory for directory in self.orphaned if _not_over(directory))


@dataclass(frozen=True)
class Owner:
    """Whose attempts a worker may go on with. `kinds` None are all."""

    token: str
    agent: str
    pool: str
    kinds: Sequence[str] | None

    @classmethod
    def of(cls, config: SupervisorConfig, agent: str) -> Owner:
        digest = hashlib.sha256(config.token.encode()).hexdigest()[:16]
        return cls(digest, agent, config.pool, config.kinds)

    def record(self) -> dict[str, str]:
        """Give what is noted of it; the kinds stand with the jobs."""
        return {"token": self.token, "agent": self.agent, "pool": self.pool}

    def may_have(self, directory: Path) -> bool:
        """Say whether all attempts there that are not over are such as this worker claims."""
        living = _not_over(directory)
        if not living:
            return True
        try:
            noted = records.read_record(directory / OWNER)
        except ValueError:
            noted = None
        return noted == self.record() and all(self._takes(attempt) for attempt in living)

    def _takes(self, attempt: AttemptRecords) -> bool:
        return self.kinds is None or ((attempt.lease() or {}).get("job") or {}).get("kind") in self.kinds


def _not_over(directory: Path) -> list[AttemptRecords]:
    return [attempt for attempt in attempts_in(directory) if not attempt.is_over]


@contextmanager
def taken_place(config: SupervisorConfig, agent: str) -> Iterator[Place]:
    """Take the first free number of the home, and what dead workers of this agent left; hold both until the end.

    `agent` is its adapter's name. Raises SettingError when the home cannot be written.
    """
    home = config.home
    base = config.worker_id or f"{socket.gethostname()}-{home_hash(home)[:6]}"
    locks: list[int] = []
    try:
        yield _take(home / "sessions", base, Owner.of(config, agent), locks)
    except OSError as error:
        if locks:
            raise
        raise SettingError(f"the home {home} cannot be written: {error.strerror}") from error
    finally:
        for lock in locks:
            os.close(lock)


def _take(sessions: Path, base: str, owner: Owner, locks: list[int]) -> Place:
    sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(sessions):
        for number in range(1, MOST_ON_ONE_HOME):
            name = base if number == 1 else f"{base}-{number}"
            directory = sessions / re.sub(r"[^A-Za-z0-9._-]", "_", name)
            if (lock := _locked_for(directory, owner)) is None:
                continue
            locks.append(lock)
            directory.mkdir(mode=0o700, exist_ok=True)
            records.write_record(directory / OWNER, owner.record())
            return Place(name, directory, _orphans(sessions, directory, owner, locks))
    raise SettingError(f"{MOST_ON_ONE_HOME} workers run on this home already")


@contextmanager
def _alone(sessions: Path) -> Iterator[None]:
    """Let one worker at a time choose: who looks at a directory of others holds its lock for that moment."""
    descriptor = os.open(sessions, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _orphans(sessions: Path, own: Path, owner: Owner, locks: list[int]) -> tuple[Path, ...]:
    found = []
    for directory in sorted(path for path in sessions.iterdir() if path.is_dir() and path != own):
        if (lock := _locked_for(directory, owner)) is not None:
            locks.append(lock)
            found.append(directory)
    return tuple(found)


def _locked_for(directory: Path, owner: Owner) -> int | None:
    """Lock a worker's directory; None where a worker that runs holds it, or attempts of others are not over."""
    if (lock := _locked(directory)) is None or owner.may_have(directory):
        return lock
    log("attempts_of_another_worker", directory=str(directory))
    os.close(lock)
    return None


@contextmanager
def place_lock(directory: Path) -> Iterator[bool]:
    """Hold a worker's directory for the block; False where a worker that runs holds it."""
    lock = _locked(directory)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _locked(directory: Path) -> int | None:
    """Lock a worker's directory by the file beside it; None where another process holds it, or takes it away."""
    path = directory.with_name(f"{directory.name}.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not path.exists() or path.stat().st_ino != os.fstat(lock).st_ino:
        os.close(lock)
        return None
    return lock
