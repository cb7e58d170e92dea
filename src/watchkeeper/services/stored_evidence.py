"""Reads stored files for the gate: each is read once, whole, for its hash, and its text is looked at and let go."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterable

from watchkeeper.domain.artifacts import ArtifactKind
from watchkeeper.domain.contents import look_at
from watchkeeper.domain.evidence import PENDING_MARKERS, FailedCheck, FileFindings, GateCheck
from watchkeeper.domain.suggestions import shown
from watchkeeper.services.artifact_store import (
    CHUNK_BYTES,
    ArtifactLostError,
    ArtifactStore,
    ArtifactStoreError,
    BlobReader,
)

TEXT_LIMIT_BYTES = 16 * 1024 * 1024
"""Of a text this much is searched for markers; a longer one fails `too_large`: nobody has read it all."""


def read_evidence(
    store: ArtifactStore,
    project: str,
    *,
    artifact_id: str,
    name: str,
    kind: ArtifactKind,
    size: int,
    sha256: str,
    media_type: str | None = None,
    markers: Iterable[str] = PENDING_MARKERS,
    is_late: Callable[[], bool] = lambda: False,
) -> FileFindings:
    """Read a stored file as the gate judges it; one that is gone or broken has a problem, and is no error.

    `is_late` is asked between chunks; once it says yes, the file counts as not read in time. Blocks.
    """
    problem, text, is_cut, sha256_now = None, None, False, None
    try:
        with store.open(project, sha256) as file:
            sha256_now, text, is_cut = _read(file, is_late)
    except TimeoutError:
        problem = FailedCheck(GateCheck.TIMEOUT, f"{shown(name, 200)} could not be read in time")
    except (ArtifactLostError, ArtifactStoreError, OSError):
        problem = FailedCheck(GateCheck.FILE_UNREADABLE, f"{shown(name, 200)} cannot be read from the store")
    return FileFindings(
        name=name,
        kind=kind,
        bytes=size,
        sha256=sha256,
        sha256_now=sha256_now,
        content=look_at(name, media_type, text, is_cut=is_cut, markers=markers),
        artifact_id=artifact_id,
        problem=problem,
    )


def _read(file: BlobReader, is_late: Callable[[], bool]) -> tuple[str, str | None, bool]:
    """Give a file's hash, its text as far as it is searched, and whether there is more of it."""
    digest, head, total = hashlib.sha256(), bytearray(), 0
    while chunk := file.read(CHUNK_BYTES):
        if is_late():
            raise TimeoutError
        digest.update(chunk)
        total += len(chunk)
        head += chunk[: TEXT_LIMIT_BYTES - len(head)]
    is_cut = total > len(head)
    return digest.hexdigest(), decode_text(head, is_cut=is_cut), is_cut


def decode_text(data: bytes | bytearray, *, is_cut: bool = False) -> str | None:
    """Read bytes as text, None where they are none; `is_cut` allows half a character at the end.

    The byte order mark decides, else UTF-8 is tried, else each byte is a character, so that a marker in plain
    letters is found in any encoding that has them.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    sample = data[:8192]
    if b"\0" in data or sum(byte < 9 for byte in sample) * 100 > len(sample):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return data.decode("latin-1")
