"""The user that agents run as: who it is, what it may reach, and which Python it can start."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import SettingError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON_PLACES = ("/usr/bin/python3", "/usr/local/bin/python3", "/opt/python/bin/python3")
AGENT_USER = "watchkeeper-agent"
"""Root's agents run as this one. It has no server, whose files they could read and whose processes end."""

PYTHON_CHECK = "import sys; sys.exit(sys.version_info < (3, 11))"


@dataclass(frozen=True)
class AgentUser:
    """A system user; `other` says that it is not the one this process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str
    other: bool

    def may_enter(self, directory: Path) -> bool:
        """Say whether mode bits let this user pass through every part of a path; ACLs are not read."""
        directory = directory.resolve()
        return all(self._may_pass(part) for part in (directory, *directory.parents))

    def reachable(self, path: str) -> str:
        """Give what of a PATH this user can enter: a place that it cannot is an error in every look-up."""
        if not self.other:
            return path
        open_to_it = [place for place in path.split(":") if place and self.may_enter(Path(place))]
        return ":".join(open_to_it) or SYSTEM_PATH

    def _may_pass(self, directory: Path) -> bool:
        try:
            about = directory.stat()
        except OSError:
            return False
        if self.uid == 0:
            return True
        if about.st_uid == self.uid:
            return bool(about.st_mode & stat.S_IXUSR)
        if about.st_gid in {self.gid, *self.groups}:
            return bool(about.st_mode & stat.S_IXGRP)
        return bool(about.st_mode & stat.S_IXOTH)


def agent_user(name: str | None) -> AgentUser:
    """Give the user for agents: the one named (a name or a number), else the one that runs this process.

    Root runs agents as `AGENT_USER` unless told otherwise, made at first use, or as `nobody` where no user
    can be made: they must not be able to read what root can. Raises SettingError when there is no such user,
    or when this process may not become it.
    """
    own = os.geteuid()
    if name is None and own != 0:
        return _user(_entry(own), other=False)
    name = name or _default_name()
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        raise SettingError(f"agent_user is {name!r}; this machine has no such user") from None
    if own not in (0, entry.pw_uid):
        raise SettingError(f"agent_user is {name!r}; only root can run agents as another user")
    return _user(entry, other=entry.pw_uid != own)


def own_user() -> AgentUser:
    """Give the user that runs this process."""
    return _user(_entry(os.geteuid()), other=False)


def existing_agent_user(name: str | None) -> AgentUser:
    """Give the user that `agent_user` would give, without making one; raise SettingError as that does."""
    if name is None and os.geteuid() == 0:
        name = AGENT_USER if _is_known(AGENT_USER) else "nobody"
    return agent_user(name)


def python_for(user: AgentUser) -> Path | None:
    """Give a Python (3.11 or newer) that this user can start, tried for real; None when there is none."""
    for candidate in _pythons():
        if not user.other or (user.may_enter(candidate.parent) and _starts(candidate, user)):
            return candidate
    return None


def run_as(
    user: AgentUser, command: Sequence[str], environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a program as a user, with this environment and nothing to read, to its end.

    Raises OSError where it cannot be started, subprocess.SubprocessError where it takes longer than `timeout`.
    """
    identity: dict[str, Any] = {"user": user.uid, "group": user.gid, "extra_groups": list(user.groups)}
    return subprocess.run(
        command,
        **(identity if user.other else {}),
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )


def _pythons() -> Iterator[Path]:
    seen: set[Path] = set()
    for text in (getattr(sys, "_base_executable", sys.executable), *PYTHON_PLACES):
        candidate = Path(text)
        if candidate.exists() and candidate.resolve() not in seen:
            seen.add(candidate.resolve())
            yield candidate.resolve()


def _starts(python: Path, user: AgentUser) -> bool:
    try:
        return run_as(user, [str(python), "-I", "-S", "-c", PYTHON_CHECK], {}, timeout=20).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _default_name() -> str:
    if not _is_known(AGENT_USER) and (useradd := shutil.which("useradd", path=SYSTEM_PATH)):
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command = [useradd, *options, "--shell", "/usr/sbin/nologin", AGENT_USER]
        # Two starts may both try, and a read-only system refuses: what counts is who is there afterwards.
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return AGENT_USER if _is_known(AGENT_USER) else "nobody"


def _is_known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _entry(uid: int) -> pwd.struct_passwd:
    """Give the passwd entry; a container's user may have none."""
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return pwd.struct_passwd((str(uid), "x", uid, os.getegid(), "", "/", "/bin/sh"))


def _user(entry: pwd.struct_passwd, *, other: bool) -> AgentUser:
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid) if other else os.getgroups()
    return AgentUser(entry.pw_uid, entry.pw_gid, tuple(groups), entry.pw_name, entry.pw_dir, other)
