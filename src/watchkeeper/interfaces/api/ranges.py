"""Hands out a stored file as a stream, whole or in one range of bytes (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from watchkeeper.services.artifact_store import CHUNK_BYTES, BlobReader

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
    """Answer with a part of a file that is open at its first byte; closes the file."""
    more = {"Accept-Ranges": "bytes", "Content-Length": str(len(part))}
    if len(part) < size:
        more["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    status = 206 if len(part) < size else 200
    return StreamingResponse(_bytes(file, len(part)), status, {**headers, **more})


def not_there(size: int) -> Response:
    """Answer to a range that begins past the end."""
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})


def _bytes(file: BlobReader, left: int) -> Iterator[bytes]:
    with file:
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
