"""Says of a stored file whether it seems to hold a secret; the file is kept as it is."""

from __future__ import annotations

from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.redaction_stream import RedactingStream
from watchkeeper.services.artifact_store import CHUNK_BYTES, ArtifactStore


def holds_secret(store: ArtifactStore, redactor: Redactor, project_id: str, sha256: str) -> bool:
    """Search a whole stored file for secrets, as a stream. Blocks."""
    stream = RedactingStream(redactor)
    with store.open(project_id, sha256) as file:
        while not stream.found and (chunk := file.read(CHUNK_BYTES)):
            stream.feed(chunk)
    if not stream.found:
        stream.close()
    return bool(stream.found)
