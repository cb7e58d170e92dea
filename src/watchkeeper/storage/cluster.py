"""Make a new cluster, whole or not at all, and refuse to touch one that these programs cannot run."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from watchkeeper.domain.errors import DatabaseUnavailable, SettingError
from watchkeeper.storage import postmaster
from watchkeeper.storage.binaries import Binaries
from watchkeeper.storage.placement import POINTER, Account

OURS = frozenset(
    {"cluster", "users", "run", "log", "password", "admin-password", "start.lock", "keeper.lock", POINTER}
)
UNFINISHED = "unfinished-"
# A fresh cluster of PostgreSQL 18 takes 55 MB, most of it the templates and the first WAL segments.
NEW_CLUSTER_BYTES = 80 * 1024 * 1024
FULL = ("No space left on device", "Disk quota exceeded")
CONFIGURATION = """
# Watchkeeper's settings. Change them here; those that must hold are given on the server's command line.
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
jit = off
# Files in the cluster: logging out may empty /dev/shm, and containers keep it tiny.
dynamic_shared_memory_type = mmap
"""


def create(place: Path, binaries: Binaries, account: Account) -> None:
    """Make place/cluster with the role and database in it; it gets this name only when all is done.

    The caller holds the start lock. Raises DatabaseUnavailable when initdb fails or the disk is too full.
    """
    for left_over in place.glob(f"{UNFINISHED}*"):
        # The initdb of a killed start may still be at work in it; what it leaves goes the next time.
        shutil.rmtree(left_over, ignore_errors=True)
    _refuse_strangers(place)
    _need_space(place)
    workshop = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=place))
    try:
        account.owns(workshop)
        admin, owner = (_password(place / name) for name in ("admin-password", "password"))
        _initdb(workshop, binaries, account, admin)
        _bootstrap(workshop, binaries, account, owner)
        (workshop / "cluster").rename(place / "cluster")
        _sync_directory(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def check(place: Path, binaries: Binaries) -> None:
    """Refuse a cluster that is none, or that another major version of PostgreSQL wrote (SettingError)."""
    cluster = place / "cluster"
    try:
        written_by = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise SettingError(
            f"{cluster} is there, but is no PostgreSQL database: it has no PG_VERSION.",
            hint="Move it away, or set WATCHKEEPER_HOME to another directory.",
        ) from None
    if written_by != str(binaries.major):
        raise SettingError(
            f"The database in {place} was written by PostgreSQL {written_by}, "
            f"these programs are {binaries.version} ({binaries.directory}).",
            hint=f"Name the programs of version {written_by} in WATCHKEEPER_POSTGRES_BIN; or dump the "
            f"database with those, move {cluster} away, start once more and restore it.",
        )
    for name in ("password", "admin-password"):
        if not (place / name).exists():
            raise SettingError(
                f"{place / name} is missing; without it nobody can log in to the database beside it.",
                hint="Restore the file from a backup of this directory.",
            )


def _refuse_strangers(place: Path) -> None:
    names = {path.name for path in place.iterdir() if not path.name.startswith(UNFINISHED)}
    strangers = sorted(names - OURS)
    if strangers:
        kind = (
            "a PostgreSQL cluster that Watchkeeper did not make"
            if "PG_VERSION" in strangers
            else "other files"
        )
        raise SettingError(
            f"{place} cannot become the database's directory: it holds {kind} ({', '.join(strangers[:3])}).",
            hint="Set WATCHKEEPER_HOME to an own directory, or WATCHKEEPER_DATABASE_URL to a running server.",
        )


def _need_space(place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < NEW_CLUSTER_BYTES:
        raise _disk_full(place, free)


def _disk_full(place: Path, free: int) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The disk is too full for a new database: {place} has {free // 2**20} MB free, "
        f"about {NEW_CLUSTER_BYTES // 2**20} MB are needed.",
        hint="Free some space, or set WATCHKEEPER_HOME to a directory on another disk; then start again.",
    )


def _password(path: Path) -> str:
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_hex(24)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
        file.flush()
        os.fsync(file.fileno())
    return password


def _initdb(workshop: Path, binaries: Binaries, account: Account, password: str) -> None:
    password_file = workshop / "admin"
    password_file.touch(mode=0o600)
    account.owns(password_file)
    password_file.write_text(password)
    command = [str(binaries.directory / "initdb"), "-D", str(workshop / "cluster"), "-U", "postgres"]
    command += ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--data-checksums"]
    _run([*command, "--no-instructions", f"--pwfile={password_file}"], workshop, account)
    with (workshop / "cluster" / "postgresql.conf").open("a") as file:
        file.write(CONFIGURATION)


def _bootstrap(workshop: Path, binaries: Binaries, account: Account, password: str) -> None:
    text = resources.files("watchkeeper.storage").joinpath("sql/embedded/bootstrap.sql").read_text()
    statements = [line for line in text.splitlines() if line.strip() and not line.startswith("--")]
    command = [str(binaries.directory / "postgres"), "--single", "-D", str(workshop / "cluster")]
    command += ["-c", "exit_on_error=on", "-c", "listen_addresses=", "postgres"]
    _run(command, workshop, account, "\n".join(statements).replace("{password}", password) + "\n")


def _run(command: list[str], workshop: Path, account: Account, text: str = "") -> None:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=workshop,
            env=postmaster.CLEAN_ENVIRONMENT,
            user=account.uid,
            group=account.gid,
            extra_groups=[] if account.uid is not None else None,
            check=False,
        )
    except OSError as error:
        raise DatabaseUnavailable(
            f"{command[0]} cannot be run as the user {account.name}: {error.strerror}."
        ) from error
    if done.returncode == 0:
        return
    free = shutil.disk_usage(workshop.parent).free
    if free < NEW_CLUSTER_BYTES or any(words in done.stderr for words in FULL):
        raise _disk_full(workshop.parent, free)
    said = "\n".join(done.stderr.strip().splitlines()[-4:])
    raise DatabaseUnavailable(
        f"A new database could not be made in {workshop.parent}: {Path(command[0]).name} said: {said}",
        hint="Nothing was left behind; mend what it names and start again.",
    )


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
