"""What an agent leaves in its workspace, taken in without being led out of it.

Every part of a path is opened from the directory before it and never through a link; what is opened is looked
at again before it is read. Call it when the session's processes are gone: then nothing changes meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from watchkeeper.domain.errors import ContractRejected
from watchkeeper.domain.file_names import is_storable

MANIFEST = "artifacts.json"
MANIFEST_BYTES = 1024 * 1024
FILE_LIMIT = 10_000
"""Files of one artifact, as the contract CLI bounds them."""

DEPTH_LIMIT = 50
INPUTS = frozenset({"prompt.md", "job.json", "payload.json", "gate.json"})


class ArtifactRefused(ContractRejected):
    """An artifact cannot be taken from the workspace."""

    def __init__(self, problem: str, name: str, message: str, hint: str) -> None:
        failed = [{"check": problem, "path": name, "message": message}]
        super().__init__(message, hint=hint, problem=problem, failed=failed)
        self.problem = problem


@dataclass(frozen=True)
class ProducedFile:
    """A file to upload: `name` is what it will be called, `path` where it lies below the workspace."""

    name: str
    path: str
    size: int


@dataclass(frozen=True)
class Produced:
    """One entry of artifacts.json: `entry` as the agent wrote it, and the files that its path means."""

    entry: dict[str, Any]
    files: tuple[ProducedFile, ...] = ()


@dataclass(frozen=True)
class Gathered:
    """What the agent handed in; `declared` is False when there was no artifacts.json."""

    summary: str | None
    artifacts: tuple[Produced, ...]
    declared: bool


def gather(workspace: Path, max_bytes: int) -> Gathered:
    """Read `artifacts.json` and check every file that it names; an absent one is an empty answer.

    Raises ArtifactRefused, whose `problem` is one of malformed, missing, unreadable, leaves_workspace,
    symbolic_link, hard_link, not_a_file, too_large, too_many, bad_name.
    """
    try:
        with open_inside(workspace, MANIFEST, MANIFEST_BYTES) as file:
            text = file.read(MANIFEST_BYTES + 1)
    except ArtifactRefused as refused:
        if refused.problem == "missing":
            return Gathered(None, (), declared=False)
        raise
    summary, entries = _manifest(text)
    return Gathered(summary, tuple(produced(workspace, entry, max_bytes) for entry in entries), declared=True)


def files_in(workspace: Path, max_bytes: int, path: str = "") -> tuple[ProducedFile, ...]:
    """List what lies in the workspace, or in a directory of it, with the inputs and artifacts.json left out.

    Names that begin with a dot are left out at the top: caches and repositories are no results.
    Raises ArtifactRefused as `gather` does.
    """
    with closing(_Directory.open(workspace, _parts(path) if path else [])) as top:
        found: list[ProducedFile] = []
        for name, size in top.walk(max_bytes, skip=INPUTS | {MANIFEST} if not path else frozenset()):
            found.append(ProducedFile(name, f"{path}/{name}" if path else name, size))
            if len(found) > FILE_LIMIT:
                _refuse(
                    "too_many", path or ".", f"there are more than {FILE_LIMIT} files", "Pack them first."
                )
        return tuple(found)


def open_inside(workspace: Path, path: str, max_bytes: int) -> BinaryIO:
    """Open a regular file below the workspace for reading; the caller closes it. Raises ArtifactRefused."""
    *parents, name = _parts(_relative(workspace, path))
    with closing(_Directory.open(workspace, parents)) as directory:
        return os.fdopen(directory.open_file(name, max_bytes), "rb")


class _Directory:
    """An open directory below the workspace, and the path by which it was reached."""

    def __init__(self, descriptor: int, path: str) -> None:
        self.descriptor = descriptor
        self.path = path

    @classmethod
    def open(cls, workspace: Path, parts: list[str]) -> _Directory:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            directory = cls(os.open(workspace, flags | os.O_NOFOLLOW), "")
        except OSError as error:
            text = f"the workspace {workspace} is gone or no longer a directory: {error.strerror}"
            _refuse("leaves_workspace", str(workspace), text, "Leave the workspace itself where it is.")
        for part in parts:
            with closing(directory):
                directory = directory.enter(part)
        return directory

    def close(self) -> None:
        os.close(self.descriptor)

    def name_of(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def enter(self, name: str) -> _Directory:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, dir_fd=self.descriptor)
        except OSError as error:
            self._explain(name, error)
        if os.fstat(descriptor).st_dev != os.fstat(self.descriptor).st_dev:
            os.close(descriptor)
            self._leaves(name, "is a mount of another file system")
        return _Directory(descriptor, self.name_of(name))

    def open_file(self, name: str, max_bytes: int) -> int:
        """Open a file after looking at it, and look again at what was opened: a FIFO must not hold us up."""
        try:
            self._check(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False), name, max_bytes)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=self.descriptor)
        except OSError as error:
            self._explain(name, error)
        try:
            self._check(os.fstat(descriptor), name, max_bytes)
        except ArtifactRefused:
            os.close(descriptor)
            raise
        return descriptor

    def walk(self, max_bytes: int, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, int]]:
        """Give (name, size) of every file below, in order of names."""
        if self.path.count("/") > DEPTH_LIMIT:
            text = f"{self.path!r} lies more than {DEPTH_LIMIT} directories deep"
            _refuse("too_many", self.path, text, "Pack it first.")
        for name in sorted(os.listdir(self.descriptor)):  # noqa: PTH208 - a Path has no directory descriptor
            hidden = name.startswith(".") and not self.path
            if name in skip or hidden:
                continue
            _parts(name)
            about = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
            if stat.S_ISDIR(about.st_mode):
                with closing(self.enter(name)) as below:
                    yield from ((f"{name}/{inner}", size) for inner, size in below.walk(max_bytes))
            else:
                self._check(about, name, max_bytes)
                yield name, about.st_size

    def _check(self, about: os.stat_result, name: str, max_bytes: int) -> None:
        shown = self.name_of(name)
        if stat.S_ISLNK(about.st_mode):
            _refuse(
                "symbolic_link", shown, f"{shown!r} is a symbolic link", "Hand in the file that it names."
            )
        if stat.S_ISDIR(about.st_mode):
            _refuse("not_a_file", shown, f"{shown!r} is a directory", "Name a file here.")
        if not stat.S_ISREG(about.st_mode):
            _refuse("not_a_file", shown, f"{shown!r} is a pipe, socket or device", "Hand in a regular file.")
        if about.st_nlink > 1:
            text = f"{shown!r} has {about.st_nlink} names; the others may lie outside the workspace"
            _refuse("hard_link", shown, text, "Hand in a copy (cp).")
        if about.st_size > max_bytes:
            text = f"{shown!r} has {about.st_size} bytes; the limit is {max_bytes}"
            _refuse("too_large", shown, text, "Split or pack it, or raise artifact_limit_bytes.")

    def _explain(self, name: str, error: OSError) -> NoReturn:
        shown = self.name_of(name)
        if error.errno == errno.ENOENT:
            _refuse("missing", shown, f"{shown!r} is not in the workspace", "Write it before naming it.")
        if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and self._is_link(name)):
            text = f"{shown!r} is a symbolic link"
            _refuse("symbolic_link", shown, text, "Hand in what it names, by its own path.")
        if error.errno in (errno.ENOTDIR, errno.ENXIO):
            _refuse("not_a_file", shown, f"{shown!r} is not what the path needs there", "Check the path.")
        _refuse("unreadable", shown, f"{shown!r} cannot be read: {error.strerror}", "Check its permissions.")

    def _is_link(self, name: str) -> bool:
        return stat.S_ISLNK(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_mode)

    def _leaves(self, name: str, why: str) -> NoReturn:
        shown = self.name_of(name)
        _refuse("leaves_workspace", shown, f"{shown!r} {why}", "Copy it into the workspace.")


def _manifest(text: bytes) -> tuple[str | None, list[dict[str, Any]]]:
    """Read {"summary", "artifacts": [...]} or a bare list."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse("malformed", MANIFEST, f"{MANIFEST} is not JSON: {error}", "Write one JSON object.")
    summary = document.get("summary") if isinstance(document, dict) else None
    entries = document.get("artifacts", []) if isinstance(document, dict) else document
    fits = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not fits or not isinstance(summary, str | None):
        shape = '{"summary": "...", "artifacts": [{"kind": "...", "path": "..."}]}'
        _refuse("malformed", MANIFEST, f"{MANIFEST} has another shape than {shape}", "See docs/sessions.md.")
    return summary, entries


def produced(workspace: Path, entry: dict[str, Any], max_bytes: int) -> Produced:
    """Find the files that an entry's path means: the file, or all of the directory. Raises as `gather` does."""
    if "path" not in entry:
        return Produced(entry)
    if not isinstance(entry["path"], str):
        _refuse("malformed", MANIFEST, f"the path {entry['path']!r} is not a text", "Give a relative path.")
    path = "/".join(_parts(_relative(workspace, entry["path"])))
    if _is_directory(workspace, path):
        files = files_in(workspace, max_bytes, path)
        if not files:
            _refuse("missing", path, f"the directory {path!r} holds no files", "Write them first.")
        return Produced(entry, files)
    with open_inside(workspace, path, max_bytes) as file:
        size = os.fstat(file.fileno()).st_size
    return Produced(entry, (ProducedFile(Path(path).name, path, size),))


def _is_directory(workspace: Path, path: str) -> bool:
    *parents, name = _parts(path)
    with closing(_Directory.open(workspace, parents)) as directory:
        try:
            about = os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(about.st_mode)


def _relative(workspace: Path, path: str) -> str:
    """Take an absolute path below the workspace for the relative one that it is."""
    return path.removeprefix(f"{workspace}/")


def _parts(path: str) -> list[str]:
    if not is_storable(path):
        _refuse("bad_name", ascii(path), f"{path!a} is no Unicode text", "Give the file another name.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or not parts:
        text = f"{path!r} does not lie in the workspace"
        _refuse("leaves_workspace", path, text, "Give a path below the workspace, without '..'.")
    return parts


def _refuse(problem: str, name: str, message: str, hint: str) -> NoReturn:
    raise ArtifactRefused(problem, name, message, hint)
