"""Whether an address in a setting can be meant: of a database as libpq reads it, of a server, of a bucket's service.

What is said of a wrong one quotes nothing but its scheme: a password may stand anywhere in what was mistyped.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from watchkeeper.domain.addresses import DEFAULT_URL

DATABASE_FORMS = "postgresql://USER@HOST/DATABASE, or host=HOST user=USER dbname=DATABASE"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]]*)(?::(?P<port>[0-9]*))?")
_PAIR = re.compile(
    r"\s*\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?(?=\s|\Z)\s*", re.DOTALL
)


class AddressError(ValueError):
    """An address that cannot be meant; the text goes on after the setting's name."""


def checked_database_address(text: str) -> str:
    """Give the address of a database, a URI of one or several hosts or `key=value` pairs; raise AddressError."""
    if (scheme := _SCHEME.match(text)) is None:
        if not _is_pairs(text):
            raise AddressError(f"is no address of a PostgreSQL; it looks like {DATABASE_FORMS}")
        return text
    if scheme[1] not in {"postgresql", "postgres"}:
        raise AddressError(
            f"begins with '{scheme[1]}://', which is no PostgreSQL; it looks like {DATABASE_FORMS}"
        )
    authority, *_ = re.split(r"[/?#]", text[scheme.end() :], maxsplit=1)
    for host in authority.rpartition("@")[2].split(","):
        found = _HOST.fullmatch(host)
        if found is None or not _is_port(found["port"]):
            raise AddressError(
                "names a host or port that is none; it looks like postgresql://USER@HOST:5432/DATABASE, "
                "and in a password '/', '?', '#' and '@' are written %2F, %3F, %23 and %40"
            )
    return text


def checked_server_address(text: str) -> str:
    """Give the address of a server of ours; raise AddressError for what no request could be sent to."""
    parts = _web_parts(text, f"it looks like {DEFAULT_URL}")
    if "@" in parts.netloc:
        raise AddressError("holds a user or password; the token goes in WATCHKEEPER_TOKEN")
    if parts.query or parts.fragment:
        raise AddressError(f"goes on after the path; it looks like {DEFAULT_URL}")
    return text


def checked_web_address(text: str) -> str:
    """Give the address that something is posted to; raise AddressError."""
    _web_parts(text, "it looks like https://HOST/PATH")
    return text


def checked_bucket_service(text: str) -> str:
    """Give the address of a service that speaks S3; raise AddressError, for credentials too."""
    form = "it looks like https://HOST or http://HOST:PORT"
    parts = _web_parts(text, form)
    if "@" in parts.netloc:
        raise AddressError("holds a user or password; credentials have no place there")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise AddressError(f"goes on after the host; {form}")
    return text


def _web_parts(text: str, form: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressError(f"names a host or port that is none; {form}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressError(f"is no address of the web; {form}")
    if port == 0 or not text.isascii() or not text.isprintable() or " " in text:
        raise AddressError(f"holds what no address has; {form}")
    return parts


def _is_pairs(text: str) -> bool:
    position = 0
    while position < len(text):
        if (pair := _PAIR.match(text, position)) is None:
            return False
        position = pair.end()
    return bool(text.strip())


def _is_port(text: str | None) -> bool:
    return not text or (len(text) <= 5 and 0 < int(text) <= 65535)
