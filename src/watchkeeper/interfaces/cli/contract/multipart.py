"""Files as a multipart body (RFC 7578), read piece by piece while they are sent."""

from __future__ import annotations

import os
from collections.abc import Iterator

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.contract.server import Body
from watchkeeper.interfaces.cli.contract.uploads import UploadFile, open_unchanged

READ_BYTES = 256 * 1024


def body_of(files: list[UploadFile]) -> Body:
    """Make the body of an upload; its size is known beforehand, its content is read when it is sent."""
    boundary = f"watchkeeper-{os.urandom(16).hex()}"
    heads = [_head(boundary, file.name) for file in files]
    end = f"--{boundary}--\r\n".encode()
    length = sum(len(head) + file.size + 2 for head, file in zip(heads, files, strict=True)) + len(end)

    def chunks() -> Iterator[bytes]:
        for head, file in zip(heads, files, strict=True):
            yield head
            yield from _content(file)
            yield b"\r\n"
        yield end

    return Body(f"multipart/form-data; boundary={boundary}", length, chunks)


def _head(boundary: str, name: str) -> bytes:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="files"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()


def _content(file: UploadFile) -> Iterator[bytes]:
    descriptor = open_unchanged(file)
    try:
        left = file.size
        while left:
            part = os.read(descriptor, min(READ_BYTES, left))
            if not part:
                raise UsageError(f"{str(file.path)!r} became shorter while it was uploaded")
            left -= len(part)
            yield part
    except OSError as error:
        raise UsageError(f"{str(file.path)!r} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
