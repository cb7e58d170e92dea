"""Reads stored files for the gate: each is read once, whole, for its hash and for its text."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable

from watchkeeper.domain.artifacts import ArtifactKind
from watchkeeper.domain.evidence import StoredFile
from watchkeeper.services.artifact_store import (
    CHUNK_BYTES,
    ArtifactLostError,
    ArtifactStore,
    ArtifactStoreError,
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
    is_late: Callable[[], bool] = lambda: False,
) -> StoredFile:
    """Read a stored file as the gate judges it; one that is gone or broken is unreadable, not an error.

    `is_late` is asked between chunks; once it says yes, the file counts as not read in time. Blocks.
    """
    digest, head, total = hashlib.sha256(), bytearray(), 0
    readable, timed_out = True, False
    try:
        with store.open(project, sha256) as file:
            while not (timed_out := is_late()) and (chunk := file.read(CHUNK_BYTES)):
                digest.update(chunk)
                total += len(chunk)
                head += chunk[: TEXT_LIMIT_BYTES - len(head)]
    except (ArtifactLostError, ArtifactStoreError, OSError):
        readable = False
    was_read = readable and not timed_out
    return StoredFile(
        artifact_id=artifact_id,
        name=name,
        kind=kind,
        bytes=size,
        sha256=sha256,
        sha256_now=digest.hexdigest() if was_read else None,
        text=decode_text(bytes(head), is_cut=total > len(head)) if was_read else None,
        text_is_cut=total > len(head),
        readable=readable,
        timed_out=timed_out,
        media_type=media_type,
    )


def decode_text(data: bytes, *, is_cut: bool = False) -> str | None:
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
