"""PostgreSQL's own programs for dumping and restoring: which one fits a server, and how one is run.

Passwords reach them by the environment: command lines are for all to read.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from watchkeeper.domain.errors import SettingError, WatchkeeperError
from watchkeeper.storage.binaries import candidates

SCHEMA = "watchkeeper"
APPLICATION = "watchkeeper-dump"
"""How sessions of these programs are told from others: one outlives a restore that was killed."""

NICENESS = 10
"""What a dump yields to the work beside it; these programs have it from who starts them."""

SAID_LINES = 4
READ_BYTES = 1024 * 1024

OTHERS_KEEP = ("--no-owner", "--no-privileges")
DUMP = (
    "--no-unlogged-table-data",
    "--lock-wait-timeout=30000",
    f"--schema={SCHEMA}",
    "--format=custom",
    "--compress=1",
    *OTHERS_KEEP,
)
RESTORE = (*OTHERS_KEEP, "--exit-on-error")


class DumpFailed(WatchkeeperError):
    """PostgreSQL's own program could not do its part."""

    hint = "Mend what it names, then start the command again."


@dataclass(frozen=True, slots=True)
class Program:
    """One installed program and the major version of the PostgreSQL that it came with."""

    path: Path
    major: int


def find_program(name: str, major: int, explicit: Path | None = None) -> Program:
    """Find a program for a server of this major version: its own, else the oldest newer one.

    Raises SettingError where all are older: they would not read what a newer server says.
    """
    found = [program for path in _paths(name, explicit) if (program := _inspect(path)) is not None]
    fitting = [program for program in found if program.major >= major]
    if fitting:
        return min(fitting, key=lambda program: program.major)
    newest = max((program.major for program in found), default=None)
    there = f"the newest {name} here is of {newest}" if newest else f"there is no {name} on this machine"
    raise SettingError(
        f"the database is of PostgreSQL {major}, and {there}",
        hint=f"'apt-get install postgresql-client-{major}' brings it; or name the directory of newer programs in "
        "WATCHKEEPER_POSTGRES_BIN.",
    )


def _paths(name: str, explicit: Path | None) -> Iterator[Path]:
    given = [] if explicit is None else [explicit.expanduser(), explicit.expanduser() / "bin"]
    for directory in (*given, *(directory for directory, _ in candidates())):
        if os.access(directory / name, os.X_OK) and (directory / name).is_file():
            yield directory / name
    if (on_path := shutil.which(name)) is not None:
        yield Path(on_path)


def _inspect(path: Path) -> Program | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\)\s+(\d+)", said.stdout)
    return Program(path, int(match[1])) if match else None


async def dump(program: Program, url: str, snapshot: str) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a dump of our schema, as an exported snapshot shows it; raise DumpFailed."""
    async with _running(program, url, [*DUMP, f"--snapshot={snapshot}"]) as process:
        output = cast("asyncio.StreamReader", process.stdout)  # a pipe, as asked for
        while chunk := await output.read(READ_BYTES):
            yield chunk


async def restore(program: Program, url: str, file: Path, jobs: int) -> None:
    """Load a dump into a database that has no schema of ours; raise DumpFailed, then a part of it may be there."""
    async with _running(program, url, [*RESTORE, f"--jobs={jobs}", str(file)]):
        """It works by itself; the end of the block waits for it."""


@asynccontextmanager
async def _running(
    program: Program, url: str, arguments: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program until it ends; whoever leaves the block early ends it."""
    where = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = where.pop("password", None)
    environment = {**os.environ, "PGAPPNAME": APPLICATION} | (
        {} if password is None else {"PGPASSWORD": password}
    )
    process = await asyncio.create_subprocess_exec(
        program.path,
        *("--no-password", f"--dbname={make_conninfo('', **where)}", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        limit=2 * READ_BYTES,
    )
    errors = cast("asyncio.StreamReader", process.stderr)
    saying = asyncio.create_task(errors.read(), name="stderr")
    try:
        yield process
        said, status = await saying, await process.wait()
    finally:
        saying.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise DumpFailed(f"{program.path.name} failed: {_last_words(said, password)}")


def _last_words(said: bytes, password: str | None) -> str:
    text = "; ".join(said.decode(errors="replace").strip().splitlines()[-SAID_LINES:])
    return text.replace(password, "***") if password else text
