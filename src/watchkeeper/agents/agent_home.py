"""Where an agent keeps its credentials and conversations: one place for all its sessions; and the locks on these.

One place, because each refresh of a login makes the former one invalid: copies would put each other out
(docs/adr/, "One home for all sessions of an agent").
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from watchkeeper.agents.adapter import Setup

UNUSED_SECONDS = 30 * 86_400.0


def agent_home(setup: Setup, agent: str, variable: str, usual: str) -> Path:
    """Give the home of an agent's sessions, made if it is ours to make.

    The operator's word counts first (`variable`, passed on); then `usual`, in the home of the agent's user; without
    such a home a directory below the setup's place, for the agent's user alone. Raises OSError.
    """
    if named := setup.environ.get(variable):
        return Path(named)
    own = Path(setup.user.home)
    if own.is_dir() and own.stat().st_uid == setup.user.uid:
        return own / usual
    above = setup.place / "agents"
    above.mkdir(mode=0o711, parents=True, exist_ok=True)
    home = above / agent
    with suppress(FileExistsError):  # from an earlier start, and the agent's own since
        home.mkdir(mode=0o700)
        os.chown(home, setup.user.uid, setup.user.gid)
    return home


def login_at(setup: Setup, variable: str, home: Path, command: str) -> str:
    """Say what a person does where the agent's provider refuses its login."""
    return f"as {setup.user.name}: {variable}={home} {command}; or start the worker with a good key (--agent-env)"


class ThreadLocks:
    """The locks of an agent's threads: files of ours, one for each, which the shims of sessions hold.

    Claude Code lets two processes go on with one conversation; the lock does not.
    """

    def __init__(self, setup: Setup, agent: str) -> None:
        self._place = setup.place / "threads" / agent
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_unused()

    def of(self, thread: str) -> Path:
        """Give the lock of a thread, marked as used now. What the id is made of is the agent's choice: it is hashed."""
        path = self._place / f"{hashlib.sha256(thread.encode('utf-8', 'replace')).hexdigest()[:32]}.lock"
        path.touch(mode=0o600)
        return path

    def _remove_unused(self) -> None:
        before = time.time() - UNUSED_SECONDS
        for path in self._place.glob("*.lock"):
            if path.stat().st_mtime >= before:
                continue
            with (
                path.open("rb") as file,
                suppress(BlockingIOError),
            ):  # a session of a month: it keeps its lock
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
