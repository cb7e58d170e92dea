"""A job's work tree of a repository: made in its workspace from a clone that the operator named, on its own branch.

All of git runs as the agent's user: what an agent can write into a clone's configuration would run as whoever calls
git there.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.agents.user import AgentUser, run_as
from watchkeeper.domain.errors import UsageError

GIT_SECONDS = 600.0
"""How long git may take to check a tree out."""

REPOSITORY = "repository"
BASE = "base"
_REF = re.compile(r"(?!-)[A-Za-z0-9._/@{}^~-]{1,200}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]|\.\.|\.$|\.lock$|^\.")

SAFELY = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never")


class Clones:
    """The clones that jobs may name, by path or by the URL of their origin. Blocks: git is run."""

    def __init__(self, paths: Sequence[Path], user: AgentUser, path: str) -> None:
        self._paths = [one.resolve() for one in paths]
        self._user = user
        self._path = path

    def named(self, payload: object) -> Path | None:
        """Give the clone that a job's payload names, None where it names none.

        Raises UsageError for one that the operator has not named.
        """
        name = payload.get(REPOSITORY) if isinstance(payload, dict) else None
        if name is None:
            return None
        if isinstance(name, str):
            for clone in self._paths:
                if name == str(clone) or _same(name, self._origin(clone)):
                    return clone
        raise UsageError(
            f"the job's payload.repository {name!r} is no clone of this worker",
            hint="Clone it as the agents' user, and start the worker with --repository PATH.",
        )

    def make_tree(self, clone: Path, tree: Path, job: str, base: object) -> str:
        """Check the job's branch out into an empty directory; give the branch. It is begun at `base`, or at HEAD.

        Raises UsageError with git's own words where it refuses.
        """
        if base is not None and not (isinstance(base, str) and _REF.fullmatch(base)):
            raise UsageError(f"the job's payload.base {base!r} is no name of a commit")
        branch = f"watchkeeper/{_UNSAFE.sub('-', job)}"
        self._git(clone, "worktree", "prune")
        known = self._git(clone, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").returncode == 0
        # By force: a former attempt's tree, whose processes are gone, may have the branch still.
        which = [str(tree), branch] if known else ["-b", branch, str(tree), str(base or "HEAD")]
        made = self._git(clone, "worktree", "add", "--force", *which)
        if made.returncode != 0:
            raise UsageError(
                f"git could not make a work tree of {clone}: {made.stderr.strip()[-500:]}",
                hint=f"The clone has to belong to {self._user.name}, as whom agents run.",
            )
        return branch

    def _origin(self, clone: Path) -> str:
        return self._git(clone, "config", "--get", "remote.origin.url").stdout.strip()

    def _git(self, clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": self._path, "HOME": "/nonexistent", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        command = ["git", *SAFELY, "-C", str(clone), *arguments]
        try:
            return run_as(self._user, command, environment, GIT_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(f"git could not be run: {error}", hint="Install git on this machine.") from error


def _same(name: str, origin: str) -> bool:
    """Compare two URLs of a repository, a final `.git` or slash apart."""
    return bool(origin) and name.rstrip("/").removesuffix(".git") == origin.rstrip("/").removesuffix(".git")
