"""Addresses: where a server is usually found, and a database's without its password."""

from __future__ import annotations

import re
from urllib.parse import unquote

DEFAULT_PORT = 8470
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

_PASSWORD = re.compile(r"(://[^:/@]*):([^@]*)@")
_IN_QUERY = re.compile(r"([?&])password=([^&#]*)(&|(?=#)|\Z)")
_KEYWORD = re.compile(r"(?:\A|(?<=\s))password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))\s*")


def without_password(url: str) -> tuple[str, str | None]:
    """Split a database's address into itself without the password, and the password.

    It is a URL, with the password in its login or its query, or libpq's `host=... password=...`.
    """
    if (found := _PASSWORD.search(url)) is not None:
        return _PASSWORD.sub(r"\1@", url), unquote(found[2])
    if "://" in url:
        found = _IN_QUERY.search(url)
        return (url, None) if found is None else (_IN_QUERY.sub(r"\1", url).rstrip("?&"), unquote(found[2]))
    if (found := _KEYWORD.search(url)) is None or "=" not in url:
        return url, None
    quoted, plain = found.groups()
    return _KEYWORD.sub("", url).strip(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def told_only_by_host(url: str) -> tuple[str, str | None]:
    """Split a web address whose path is the secret (who knows it may call it) into what may be shown, and the rest."""
    scheme, slashes, rest = url.partition("://")
    host, slash, path = rest.rpartition("@")[2].partition("/")
    host, mark, query = host.partition("?")
    secret = f"{slash}{path}{mark}{query}".strip("/?")
    return f"{scheme}{slashes}{host}" + ("/..." if secret else ""), secret or None
