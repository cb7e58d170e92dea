"""What a command hands back: one JSON object on stdout, notes on stderr, an exit code by the error table."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, ClassVar, NamedTuple

from watchkeeper.domain.errors import EXIT_CODE, HTTP_STATUS, WatchkeeperError

Json = dict[str, Any]

SERVER_ERROR_EXIT = EXIT_CODE["internal_error"]
REFUSED_EXIT = EXIT_CODE["conflict"]


class Queued(WatchkeeperError):
    """The server could not be reached; the command is kept and delivered before the next claim."""

    code: ClassVar[str] = "queued"
    hint: ClassVar[str] = (
        "Nothing is lost. Any later command tries again; claim does so before it takes a job."
    )


class Reply(NamedTuple):
    """An answer with the HTTP status that brought it (0: made here) and what Retry-After said, in seconds."""

    answer: Json
    status: int = 0
    retry_after_seconds: float | None = None

    @property
    def ok(self) -> bool:
        return self.answer.get("ok") is True

    @property
    def code(self) -> str:
        """The error's code; "" where there is none."""
        error = self.answer.get("error")
        return str(error.get("code", "")) if isinstance(error, dict) else ""

    @property
    def exit_code(self) -> int:
        if self.ok:
            return 0
        unknown = SERVER_ERROR_EXIT if self.status >= 500 else REFUSED_EXIT
        return EXIT_CODE.get(self.code, unknown)


def failure(error: WatchkeeperError) -> Reply:
    """Turn an error that was met here into the answer that the contract names for it."""
    described: Json = {"code": error.code, "message": error.message, "hint": error.advice}
    if error.details:
        described["details"] = error.details
    return Reply({"ok": False, "error": described})


def error_of_status(status: int) -> str:
    """Give the code for an error answer that named none: the first one of the table with that status."""
    for code, known in HTTP_STATUS.items():
        if known == status:
            return code
    return "internal_error" if status >= 500 else "usage"


def write(answer: Json, stdout_is_open: bool) -> bool:
    """Write the one object, unbuffered (a late flush would exit with 120); say whether it arrived."""
    if not stdout_is_open:
        return False
    try:
        text = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        # A lone surrogate in somebody's payload: valid as an escape, not as UTF-8.
        text = json.dumps(answer, allow_nan=False).encode()
    left = memoryview(text + b"\n")
    try:
        while left:
            left = left[os.write(1, left) :]
    except OSError:
        return False
    return True


def note(text: str) -> None:
    """Tell a person something beside the answer."""
    # A closed stderr must not turn a finished command into a failed one.
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="backslashreplace"))
