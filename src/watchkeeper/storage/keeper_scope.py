"""A cgroup (v2) of its own for the server, high in the tree, so that no scope of an agent ever holds it.

Standard library only, because the keeper runs it. Where cgroups cannot be written nothing happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scope:
    """The cgroup that was entered and the one that was left for it."""

    directory: Path
    origin: Path


def enter(name: str) -> Scope | None:
    """Move this process into a cgroup of this name, as near to the root as is allowed; else give None."""
    origin = _own_directory()
    if origin is None:
        return None
    for parent in _ancestors(*origin):
        scope = Scope(parent / name, origin[0] / origin[1])
        try:
            scope.directory.mkdir(exist_ok=True)
            _move_into(scope.directory)
        except OSError:
            with suppress(OSError):  # not made, or another's
                scope.directory.rmdir()
            continue
        return scope
    return None


def leave(scope: Scope | None) -> None:
    """Go back where this process came from and remove the empty cgroup."""
    if scope is None:
        return
    with suppress(
        OSError
    ):  # the origin is gone, or a process is left in the scope: then it stays, empty soon
        _move_into(scope.origin)
        scope.directory.rmdir()


def _own_directory() -> tuple[Path, Path] | None:
    try:
        own = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    paths = [line[3:] for line in own if line.startswith("0::")]
    roots = [fields[4] for fields in map(str.split, mounts) if fields[fields.index("-") + 1] == "cgroup2"]
    if not paths or not roots or ".." in paths[0]:
        return None
    return Path(roots[0]), Path(paths[0].lstrip("/"))


def _ancestors(root: Path, below: Path) -> Iterator[Path]:
    directory = root
    yield directory
    for part in below.parts:
        directory /= part
        yield directory


def _move_into(directory: Path) -> None:
    (directory / "cgroup.procs").write_text(str(os.getpid()))
