"""A file that another program reads at any moment: written beside it, then moved into place, readable to all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MODE = 0o644
"""node_exporter runs as another user; a temporary file's own 0600 would hide the metrics from it."""


class NotWritten(Exception):
    """A file could not be written, and what stood there is as it was; the text says why and what to do."""


def replace_file(path: Path, text: str) -> None:
    """Put a file into place whole; raise NotWritten where its directory is missing, full or read-only.

    The temporary name does not end as the file's own does: node_exporter reads every *.prom.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(
            beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), MODE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):  # it was never made, or its directory is gone: what counts is told below
            beside.unlink()
        raise NotWritten(f"{path} cannot be written: {error.strerror}") from error
