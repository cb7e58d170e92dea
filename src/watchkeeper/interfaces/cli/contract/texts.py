"""Texts and JSON that are given on the command line, in a file (`@FILE`) or on standard input (`-`)."""

from __future__ import annotations

import json
import os
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.strict_json import MAX_DEPTH, finite

TEXT_LIMIT_BYTES = 8 * 1024 * 1024
READ_BYTES = 64 * 1024


class Texts:
    """Reads the texts of one command; standard input can be named once."""

    def __init__(self) -> None:
        self._stdin_for: str | None = None

    def text(self, given: str, name: str) -> str:
        """Give the text that an argument means; raise UsageError naming the argument and what is wrong."""
        if given == "-":
            if self._stdin_for is not None:
                raise UsageError(
                    f"both {self._stdin_for} and {name} are '-'; standard input can be read once"
                )
            self._stdin_for = name
            return _read(0, name, "standard input")
        if given.startswith("@@"):
            return given[1:]
        if given.startswith("@"):
            return _read_file(given[1:], name)
        return given

    def json(self, given: str, name: str) -> Any:
        """Give the value that an argument's JSON means; raise UsageError with line and column."""
        text = self.text(given, name)
        try:
            value = json.loads(text, parse_constant=_refuse_constant, parse_float=finite)
            # What can be read may still be nothing that can be sent: half a surrogate pair is no text.
            json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
                hint="Give JSON itself, @FILE or '-'.",
                line=error.lineno,
                column=error.colno,
            ) from None
        except RecursionError:
            raise UsageError(f"{name} is nested too deeply") from None
        except UnicodeEncodeError:
            raise UsageError(f"{name} holds half a surrogate pair, which is no Unicode text") from None
        except ValueError as error:
            raise UsageError(f"{name} is not JSON: {error}") from None
        if _depth(value) > MAX_DEPTH:
            raise UsageError(f"{name} is nested more than {MAX_DEPTH} deep")
        return value


def _read_file(path: str, name: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"{name}: the file {path!r} cannot be read: {error.strerror}",
            hint="A text that begins with @ is written @@.",
        ) from None
    try:
        return _read(descriptor, name, f"the file {path!r}")
    finally:
        os.close(descriptor)


def _read(descriptor: int, name: str, source: str) -> str:
    content = bytearray()
    try:
        while part := os.read(descriptor, READ_BYTES):
            content += part
            if len(content) > TEXT_LIMIT_BYTES:
                raise UsageError(f"{name}: {source} holds more than {TEXT_LIMIT_BYTES} bytes")
    except OSError as error:
        raise UsageError(f"{name}: {source} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: {source} is not UTF-8 at byte {error.start}") from None
    if (position := text.find("\x00")) >= 0:
        raise UsageError(f"{name}: {source} holds a NUL at position {position}")
    return text.rstrip("\r\n")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _depth(document: Any) -> int:
    deepest = 0
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            deepest = max(deepest, depth + 1)
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(one, depth + 1) for one in inner]
    return deepest
