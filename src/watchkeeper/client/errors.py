"""What went wrong over HTTP, as the errors that everything else here raises: with code, message and hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError


def refusal(answer: Any, status: int, url: str) -> WatchkeeperError:
    """Give the error that a server names; WatchkeeperError itself where what answered is none of ours."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return WatchkeeperError(
            f"{url} answered with status {status}, and not as Watchkeeper does",
            hint="Check WATCHKEEPER_URL; a proxy may stand in between.",
        )
    # Those of the one table alone: a special one elsewhere may share its code, and be made otherwise.
    table = WatchkeeperError.__module__
    kinds: dict[str, type[WatchkeeperError]] = {}
    for known in _kinds_of_error(WatchkeeperError):
        if known.__module__ == table:
            kinds.setdefault(known.code, known)
    kind = kinds.get(str(error.get("code")), WatchkeeperError)
    told = kind(str(error.get("message") or "the server refused"), hint=error.get("hint"))
    details = error.get("details")
    told.details = details if isinstance(details, dict) else {}
    return told


def unreachable(url: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(
        f"the server at {url} cannot be reached: {error}",
        hint="Start it with 'watchkeeper up', or set WATCHKEEPER_URL to where it is.",
    )


def _kinds_of_error(kind: type[WatchkeeperError]) -> Iterator[type[WatchkeeperError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds_of_error(below)
