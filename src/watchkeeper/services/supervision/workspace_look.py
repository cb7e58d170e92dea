"""What moved in a workspace since the last look, and how much it holds: one bounded walk by names and times."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from watchkeeper.domain.sessions.facts import WorkspaceChanged

MOST_ENTRIES = 20_000
"""A walk ends after so many entries: what a workspace holds is then at least what was counted."""

NOT_LOOKED_AT = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Directories whose changes are no work on the job; what they hold counts all the same."""

MOST_LOG_BYTES = 4 * 1024 * 1024


class WorkspaceLook:
    """One workspace. `is_there` and `bytes` are as they were at the last look."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self.is_there = True
        self.bytes = 0
        self._newest = 0.0
        self._commits: int | None = None
        self.look()

    @property
    def changed_at(self) -> float | None:
        """Give when the newest of its files was written, as Unix time."""
        return self._newest or None

    def see_whether_there(self) -> None:
        self.is_there = self._workspace.is_dir()

    def look(self) -> WorkspaceChanged:
        """Walk through it; a file counts as changed when it is newer than the newest of the last look."""
        since, newest = self._newest, self._newest
        changed = total = 0
        for entry, about, is_work in self._entries():
            total += about.st_blocks * 512
            if is_work and not entry.is_dir(follow_symlinks=False):
                changed += about.st_mtime > since
                newest = max(newest, about.st_mtime)
        self._newest, self.bytes = newest, total
        return WorkspaceChanged(changed, self._new_commits())

    def _entries(self) -> deque[tuple[os.DirEntry[str], os.stat_result, bool]]:
        found: deque[tuple[os.DirEntry[str], os.stat_result, bool]] = deque()
        pending = deque([(str(self._workspace), True)])
        self.see_whether_there()
        while pending and len(found) < MOST_ENTRIES:
            directory, is_work = pending.popleft()
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        inner = is_work and entry.name not in NOT_LOOKED_AT
                        found.append((entry, entry.stat(follow_symlinks=False), inner))
                        if entry.is_dir(follow_symlinks=False):
                            pending.append((entry.path, inner))
                        if len(found) >= MOST_ENTRIES:
                            break
            except OSError:
                # Gone meanwhile, or closed by the agent: what cannot be seen does not count.
                continue
        return found

    def _new_commits(self) -> int:
        """Count the commits since the last look, by the log that git keeps of the work tree's HEAD."""
        count = self._logged()
        before, self._commits = self._commits, count
        return max(0, count - before) if before is not None else 0

    def _logged(self) -> int:
        return _head(git_directory(self._workspace) / "logs/HEAD", MOST_LOG_BYTES).count(b"\tcommit")


def git_directory(workspace: Path) -> Path:
    """Give a work tree's own directory of git: `.git`, or the one that a file of this name, the agent's, points to."""
    git = workspace / ".git"
    told = _head(git, 4096).removeprefix(b"gitdir:").strip()
    return Path(os.fsdecode(told)) if told and b"\0" not in told else git


def _head(path: Path, most: int) -> bytes:
    """Give the beginning of a file that an agent may have put there: no link is followed, no pipe waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, most)
    except OSError:  # a directory, as .git is in a clone
        return b""
    finally:
        os.close(descriptor)
