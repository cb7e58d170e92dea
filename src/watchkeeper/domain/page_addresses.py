"""Addresses of console pages that people save or show to others: a path and its filters, in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from watchkeeper.domain.errors import UsageError

MAX_CHARS = 1_500
MAX_FILTERS = 20

_PATH = re.compile(r"/(?:[A-Za-z0-9._~%:@-]+(?:/[A-Za-z0-9._~%:@-]+)*)?")
_DOORS = frozenset({"login", "logout", "language", "static", "share", "badge", "api", "events"})
"""What is no page, or shows one itself."""

_OF_THE_MOMENT = frozenset({"fragment", "print", "before", "after", "cursor", "project"})
"""What a page was asked for at one moment, and the project, which the saved thing has of its own."""


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A page with its filters."""

    path: str
    filters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PageAddress:
        """Read an address such as /jobs?state=failed; raise UsageError for what is none of ours."""
        if len(text) > MAX_CHARS or not text.isprintable():
            raise UsageError(f"an address is one line of at most {MAX_CHARS} characters")
        parts = urlsplit(text)
        if parts.scheme or parts.netloc or not _PATH.fullmatch(parts.path) or ".." in parts.path.split("/"):
            raise UsageError("the address is no page of this console", hint="Such as /jobs?state=failed.")
        if parts.path.split("/")[1] in _DOORS:
            raise UsageError(f"{parts.path[:100]} is no page that can be kept")
        try:
            pairs = parse_qsl(parts.query, max_num_fields=MAX_FILTERS, strict_parsing=bool(parts.query))
        except ValueError:
            raise UsageError(
                f"the filters of the address cannot be read, or are over {MAX_FILTERS}"
            ) from None
        return cls(parts.path, tuple(pair for pair in pairs if pair[0] not in _OF_THE_MOMENT))

    @property
    def query(self) -> str:
        return urlencode(self.filters)

    def __str__(self) -> str:
        return f"{self.path}?{self.query}" if self.filters else self.path
