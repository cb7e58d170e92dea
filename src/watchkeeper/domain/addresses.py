"""Addresses: where a server is usually found, and a database's without its password."""

from __future__ import annotations

import re
from urllib.parse import unquote

DEFAULT_PORT = 8470
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

_PASSWORD = re.compile(r"(://[^:/@]*):([^@]*)@")


def without_password(url: str) -> tuple[str, str | None]:
    """Split a database's URL into itself without the password, and the password."""
    found = _PASSWORD.search(url)
    if found is None:
        return url, None
    return _PASSWORD.sub(r"\1@", url), unquote(found[2])
