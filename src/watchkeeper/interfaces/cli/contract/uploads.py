"""Which files an upload means: directories walked, names kept, nothing that is no file or leads elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from watchkeeper.domain.errors import UsageError

FILE_LIMIT = 10_000


class UploadFile(NamedTuple):
    """A file to send: the name that it will have, where it really lies, what it was when looked at."""

    name: str
    path: Path
    size: int
    identity: tuple[int, int, int]


def collect(paths: list[str], workspace: Path | None) -> list[UploadFile]:
    """List the files that `paths` mean: a file under its own name, a directory's under their names within it.

    Raises UsageError naming the path: for what is missing, unreadable, no regular file, outside the workspace
    (through a symbolic link too), without a workspace for a link that leads out of the current directory, for a
    link that leads out of its directory, an empty directory, and two files of one name.
    """
    fence = None if workspace is None else _real(workspace, str(workspace))
    files: dict[str, UploadFile] = {}
    for given in paths:
        found = 0
        for file in _files_of(Path(given), given, fence):
            if file.name in files:
                raise UsageError(
                    f"two files would be named {file.name!r}: {files[file.name].path} and {file.path}"
                )
            files[file.name] = file
            found += 1
            if len(files) > FILE_LIMIT:
                raise UsageError(
                    f"{given!r} holds more than {FILE_LIMIT} files", hint="Upload an archive instead."
                )
        if not found:
            raise UsageError(f"the directory {given!r} holds no files")
    return list(files.values())


def given_name(path: Path, real: Path) -> str:
    """Give the name under which a path's file is sent: the one it was given by, also where that is a link."""
    return path.name if path.name not in {"", ".."} else real.name


def _files_of(path: Path, given: str, fence: Path | None) -> Iterator[UploadFile]:
    real = _real(path, given)
    if fence is not None and not real.is_relative_to(fence):
        raise UsageError(
            f"{given!r} is outside the workspace {fence}",
            hint="Copy into the workspace what is to be uploaded.",
        )
    if fence is None and _is_led(path) and not real.is_relative_to(Path.cwd()):
        raise UsageError(
            f"the link {given!r} leads out of the current directory, to {str(real)!r}",
            hint="Name the file itself, or replace the link by a copy.",
        )
    if real.is_dir():
        yield from _walk(real, "", [real], fence or real)
    else:
        yield _file(given_name(path, real), real, given)


def _is_led(path: Path) -> bool:
    """Say whether a path could go elsewhere than it says: as a link, or by one below the current directory."""
    return path.is_symlink() or not (path.is_absolute() or ".." in path.parts)


def _walk(folder: Path, prefix: str, ancestors: list[Path], fence: Path) -> Iterator[UploadFile]:
    root = ancestors[0]
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"the directory {str(folder)!r} cannot be read: {error.strerror}") from None
    for entry in entries:
        shown = str(folder / entry.name)
        real = _real(folder / entry.name, shown) if entry.is_symlink() else folder / entry.name
        if not real.is_relative_to(root) or not real.is_relative_to(fence):
            raise UsageError(f"the link {shown!r} leads out of {str(root)!r}", hint="Replace it by a copy.")
        if not real.is_dir():
            yield _file(prefix + entry.name, real, shown)
        elif real in ancestors:
            raise UsageError(f"the link {shown!r} leads back to a directory that holds it")
        else:
            yield from _walk(real, f"{prefix}{entry.name}/", [*ancestors, real], fence)


def _real(path: Path, given: str) -> Path:
    if "\x00" in given:
        raise UsageError(f"the path {given!r} holds a NUL")
    try:
        return path.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"{given!r} cannot be read: {error.strerror}", path=given) from None
    except RuntimeError:
        raise UsageError(f"{given!r} is a link that leads back to itself", path=given) from None


def _file(name: str, path: Path, given: str) -> UploadFile:
    if any(character < " " or "\udc80" <= character <= "\udcff" for character in name):
        raise UsageError(f"the file name {name!r} holds control characters or is not UTF-8; rename it")
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"{given!r} cannot be read: {error.strerror}", path=given) from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(
            f"{given!r} is a {_sort(found.st_mode)}; only files and directories can be uploaded", path=given
        )
    if not os.access(path, os.R_OK):
        raise UsageError(f"{given!r} cannot be read: Permission denied", path=given)
    if found.st_size == 0 and _has_content(path, given):
        raise UsageError(
            f"{given!r} is made by the kernel as it is read, and has no size; only stored files can be uploaded",
            hint="Upload a copy of it.",
        )
    return UploadFile(name, path, found.st_size, _identity(found))


def _has_content(path: Path, given: str) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            return bool(file.read(1))
    except OSError as error:
        raise UsageError(f"{given!r} cannot be read: {error.strerror}", path=given) from None


def open_unchanged(file: UploadFile) -> int:
    """Open the file that was looked at, as a descriptor; raise UsageError when another stands there."""
    changed = UsageError(
        f"{str(file.path)!r} changed while it was uploaded", hint="Upload it once it is finished."
    )
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise changed from None
    if _identity(os.fstat(descriptor)) != file.identity:
        os.close(descriptor)
        raise changed
    return descriptor


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_dev, found.st_ino, found.st_size


def _sort(mode: int) -> str:
    for test, name in (
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISBLK, "device"),
        (stat.S_ISCHR, "device"),
    ):
        if test(mode):
            return name
    return "special file"
