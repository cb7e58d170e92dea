"""What fetching a foreign address ends in: an answer with its body in a file, or a refusal by a gate check's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watchkeeper.domain.evidence import GateCheck


class FetchRefusedError(Exception):
    """A foreign address that was not opened, or not to its end."""

    def __init__(self, check: GateCheck, detail: str) -> None:
        super().__init__(detail)
        self.check = check
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Redirect:
    """A step on the way: this URL answered with this status."""

    status: int
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status.

    `url` is where the answer came from, with the fragment that was asked for. `body` is a file of the fetching's
    folder and goes with it; it holds the decompressed bytes, of which only the first are kept unless the status is
    200. `media_type` is lower case, without parameters.
    """

    asked_url: str
    url: str
    status: int
    redirects: tuple[Redirect, ...]
    media_type: str | None
    body: Path
    bytes: int
    sha256: str
