"""Hands out a stored file as a stream: whole, in one range of bytes (RFC 9110, section 14), or redacted."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.redaction_stream import RedactingStream
from watchkeeper.services.artifact_store import CHUNK_BYTES, BlobReader

REDACTED = "Watchkeeper-Redacted"
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def wanted(request: Request, size: int, etag: str) -> range | None:
    """Give which bytes are asked for: all where no range is, or one that we do not serve; None for one past the end."""
    whole = range(size)
    if request.headers.get("if-range", etag) != etag:
        return whole
    asked = _ONE_RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or asked.group(0) == "bytes=-":
        return whole
    first, last = asked.groups()
    if not first:
        return whole[-int(last) :] if int(last) else None
    if int(first) >= size:
        return None
    if not last:
        return whole[int(first) :]
    return whole[int(first) : int(last) + 1] if int(first) <= int(last) else whole


def streamed(file: BlobReader, part: range, size: int, headers: Mapping[str, str]) -> Response:
    """Answer with a part of a file that is open at its first byte; closes the file.

    The beginning is read before the answer begins, so that a file that cannot be read is told as an error. Blocks.
    """
    try:
        first = file.read(min(len(part), CHUNK_BYTES))
    except BaseException:
        file.close()
        raise
    more = {"Accept-Ranges": "bytes", "Content-Length": str(len(part))}
    if len(part) < size:
        more["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    status = 206 if len(part) < size else 200
    return StreamingResponse(_bytes(file, first, len(part)), status, {**headers, **more})


def without_secrets(file: BlobReader, redactor: Redactor, headers: Mapping[str, str]) -> Response:
    """Answer with a whole file, each secret in it replaced; closes the file. Its bytes are no longer those stored."""
    told = {name: value for name, value in headers.items() if name != "ETag"}
    is_text = told.get("Content-Type", "").startswith(("text/", "application/json"))
    pieces = _redacted(file, RedactingStream(redactor), "utf-8" if is_text else "latin-1")
    return StreamingResponse(pieces, 200, {**told, REDACTED: "true", "Cache-Control": "no-store"})


def not_there(size: int) -> Response:
    """Answer to a range that begins past the end."""
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})


def _redacted(file: BlobReader, stream: RedactingStream, encoding: str) -> Iterator[bytes]:
    # Latin-1 gives each byte a character of its own: of what is no text nothing else is changed.
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield stream.feed(decoder.decode(chunk)).encode(encoding, "replace")
    yield (stream.feed(decoder.decode(b"", final=True)) + stream.close()).encode(encoding, "replace")


def _bytes(file: BlobReader, chunk: bytes, left: int) -> Iterator[bytes]:
    with file:
        while chunk:
            yield chunk
            left -= len(chunk)
            chunk = file.read(min(left, CHUNK_BYTES))
