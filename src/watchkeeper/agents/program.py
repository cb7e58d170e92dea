"""An agent's program: found behind its launcher, of which version it is, and looked at again when it was changed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from watchkeeper.agents.adapter import Setup
from watchkeeper.agents.user import run_as
from watchkeeper.agents.verdicts import table
from watchkeeper.domain.errors import UsageError
from watchkeeper.logs import log

PROBE_SECONDS = 20.0
"""How long a program may take to tell its version; a cold disk with a binary of 300 MB took 4 s."""

ELF = b"\x7fELF"
ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,3}")


class Program:
    """The program of one agent, for one setup. Made, it is found and asked for its version.

    A launcher is passed by, since a SIGKILL of it would leave the real process behind.
    """

    def __init__(self, name: str, setup: Setup) -> None:
        self.name = name
        self._setup = setup
        self._seen: tuple[str, int, int] | None = None
        self.version: str | None = None
        self.path = self._find()
        self.is_new()

    def is_new(self) -> bool:
        """Look at it again; True when it is another program than at the last look, whose version is known then.

        Raises UsageError where it is gone, or can no longer be started.
        """
        self.path = self._find()
        about = self.path.stat()
        seen = (str(self.path), about.st_mtime_ns, about.st_size)
        if seen == self._seen:
            return False
        self.version = self._ask_version()
        self._seen = seen
        if not table(self.name, self.version).measured:
            log(
                "agent_version_unmeasured",
                agent=self.name,
                version=self.version or "unknown",
                program=str(self.path),
            )
        return True

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run it as the agent's user, to its end; raises OSError and SubprocessError as `run_as` does."""
        return run_as(self._setup.user, [str(self.path), *arguments], environment, PROBE_SECONDS)

    def _find(self) -> Path:
        found = shutil.which(self.name, path=self._setup.path)
        if found is None:
            raise self._missing()
        path = Path(found).resolve()
        return path if _is_native(path) else next(self._behind(path), path)

    def _missing(self) -> UsageError:
        hint = f"Install {self.name} where PATH leads, for every user of this machine."
        for place in self._setup.path.split(":"):
            path = Path(place, self.name)
            if path.is_file() and not os.access(path, os.X_OK):
                return UsageError(f"{path} is there, but is not executable", hint=hint)
        elsewhere = shutil.which(self.name)
        if elsewhere is not None:
            who = self._setup.user.name
            return UsageError(f"{self.name} is at {elsewhere}, which user {who} may not enter", hint=hint)
        return UsageError(f"{self.name} is not installed: PATH has no such program", hint=hint)

    def _behind(self, launcher: Path) -> Iterator[Path]:
        """Look for the native program near a launcher's package, as its package manager may have put it."""
        package = next((one for one in launcher.parents[:3] if (one / "package.json").is_file()), None)
        if package is None:
            return
        machine = platform.machine()
        for pattern in table(self.name).natives:
            named = pattern.format(arch=ARCHITECTURES.get(machine, machine), machine=machine)
            for base in (package.parent, package / "node_modules" / package.parent.name, package):
                yield from (path for path in sorted(base.glob(named)) if _is_native(path))

    def _ask_version(self) -> str | None:
        """Ask the program which version it is; one that gives none is used all the same, one that hangs is not."""
        environment = {"PATH": self._setup.path, "HOME": "/nonexistent", **self._setup.environ}
        try:
            done = self.run(["--version"], environment)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{self.path} --version gave no answer in {PROBE_SECONDS:.0f} s: does it ask a question?",
                hint=f"Start {self.name} once by hand, as user {self._setup.user.name}.",
            ) from None
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be started by user {self._setup.user.name}: {error.strerror or error}",
                hint=f"Install {self.name} where that user may run it.",
            ) from error
        found = VERSION.search(done.stdout)
        return found[0] if found else None


def _is_native(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(ELF)) == ELF
    except OSError:
        # A program that may be run but not read is no launcher's script.
        return True
