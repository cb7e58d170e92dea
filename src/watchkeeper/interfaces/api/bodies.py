"""Reads request bodies strictly: bounded in size, real JSON, nothing that the database cannot keep."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import Request

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.strict_json import MAX_DEPTH, finite
from watchkeeper.interfaces.api.errors import BodyTooLarge, NotJson

MAX_DRAINED_BYTES = 16 * 1024 * 1024
"""So much of a refused body is read all the same: a client that is cut off while sending sees no answer."""

_ESCAPED_TROUBLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class StrictRequest(Request):
    """A request whose JSON has been read and checked; FastAPI gets the document from here."""

    document: Any = None
    content: bytes = b""

    async def body(self) -> bytes:
        return self.content

    async def json(self) -> Any:
        return self.document


async def read_document(request: Request, limit: int) -> StrictRequest:
    """Read a JSON body, an absent one as an empty object; raise BodyTooLarge, NotJson or UsageError."""
    strict = StrictRequest(request.scope, request.receive)
    content = await read_limited(request, limit)
    if content.strip():
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise NotJson
        strict.content, strict.document = content, parse(content)
    else:
        strict.content, strict.document = b"{}", {}
        strict.scope = {**request.scope, "headers": _as_json(request.scope["headers"])}
    return strict


async def read_limited(request: Request, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, whether its length was announced or not."""
    content = bytearray()
    size = 0
    too_large = _announced(request) > limit
    async for chunk in request.stream():
        size += len(chunk)
        too_large = too_large or size > limit
        if too_large and size > MAX_DRAINED_BYTES:
            break
        if not too_large:
            content += chunk
    if too_large:
        raise BodyTooLarge(f"the request's body has more than {limit:,} bytes")
    return bytes(content)


def parse(content: bytes) -> Any:
    """Read JSON text; raise UsageError for what is none, and for what could not be kept."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=finite)
    except RecursionError:
        raise UsageError(f"the body is nested more than {MAX_DEPTH} deep") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"the body is not JSON: {error.msg} at {place}") from None
    except ValueError as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH or _ESCAPED_TROUBLE.search(content):
        _check(document)
    return document


def _check(document: Any) -> None:
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise UsageError(f"the body is nested more than {MAX_DEPTH} deep")
        if isinstance(value, dict):
            for key, inner in value.items():
                _check_text(key)
                waiting.append((inner, depth + 1))
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
        elif isinstance(value, str):
            _check_text(value)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise UsageError("the body holds a NUL character", hint="Send binary data as a file, or as base64.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("the body holds half a surrogate pair, which is no Unicode text") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


def _as_json(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name != b"content-type"]
    return [*kept, (b"content-type", b"application/json")]
