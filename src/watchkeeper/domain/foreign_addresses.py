"""Foreign addresses: which URL the gate may open, and which IP address it may connect to.

Reading is strict: what two programs could read in two ways is refused, so that the host that was vetted is the host
that is connected to. Resolving names and connecting are services/fetch.py.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urljoin

from watchkeeper.domain.refused_networks import GLOBAL_UNICAST, REFUSED_NAMES, REFUSED_NETWORKS
from watchkeeper.domain.suggestions import shown

MAX_URL_CHARACTERS = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_READ_TWO_WAYS = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
"""Where the two standards of international names part (RFC 5894, 7.2): each leads to another host."""
_KEPT_IN_TARGETS = "%!$&'()*+,;=:@/?-._~[]|"


class AddressRefused(Exception):
    """A foreign address that is not opened; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class ForeignUrl:
    """A URL that may be asked for, in the one form in which it is sent. `host` is a name or an address, no brackets."""

    scheme: str
    host: str
    port: int
    target: str
    fragment: str = ""

    @classmethod
    def parse(cls, text: object) -> ForeignUrl:
        """Read a URL; raise AddressRefused for one that is not http(s) or could be read in two ways."""
        if not isinstance(text, str) or not text:
            raise AddressRefused("an address is a text")
        if len(text) > MAX_URL_CHARACTERS:
            raise AddressRefused(f"the address has more than {MAX_URL_CHARACTERS} characters")
        _refuse_tricks(text)
        found = _URL.fullmatch(text)
        if found is None:
            raise AddressRefused(f"{shown(text)} is not an http(s) address")
        scheme, authority, path, query, fragment = found.groups()
        host, port = read_authority(authority)
        target = quote(path or "/", safe=_KEPT_IN_TARGETS)
        if query is not None:
            target += "?" + quote(query, safe=_KEPT_IN_TARGETS)
        scheme = scheme.lower()
        return cls(scheme, host, port or DEFAULT_PORTS[scheme], target, fragment or "")

    def join(self, location: str) -> ForeignUrl:
        """Read where a redirect or a link leads from here; raise AddressRefused as `parse` does.

        What names no fragment keeps this one's (RFC 9110, 10.2.2).
        """
        _refuse_tricks(location)
        try:
            joined = urljoin(str(self), location)
        except ValueError:
            raise AddressRefused(f"{shown(location)} is not an address") from None
        if "#" not in location and self.fragment:
            joined += "#" + self.fragment
        return ForeignUrl.parse(joined)

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """Give the IP address where the host is one."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """Give host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def __str__(self) -> str:
        url = f"{self.scheme}://{self.authority}{self.target}"
        return f"{url}#{self.fragment}" if self.fragment else url


def refusal(address: object) -> str | None:
    """Say why this IP address is not connected to; None where it is a public one.

    Takes text or an address object. What is no plain address, or is bound to a network interface, is refused too.
    """
    try:
        known = address if isinstance(address, IPv4Address | IPv6Address) else ip_address(str(address))
    except ValueError:
        return f"{shown(str(address))} is no IP address"
    if isinstance(known, IPv6Address) and known.scope_id is not None:
        return f"{shown(str(known))} is bound to one network interface"
    for refused in REFUSED_NETWORKS:
        if known in refused.network:
            return f"{known} is not public: {refused.name} ({refused.source})"
    if isinstance(known, IPv6Address) and known not in GLOBAL_UNICAST:
        return f"{known} is not public: outside of {GLOBAL_UNICAST} (RFC 4291)"
    return None


def name_refusal(host: str) -> str | None:
    """Say why a host of this name, in lower case, is not asked for; None where it may be resolved."""
    if "." not in host and ":" not in host:
        return f"{shown(host)} is a name of a local network"
    for refused in REFUSED_NAMES:
        if host == refused.name or host.endswith("." + refused.name):
            return f"{shown(host)} is never public: {refused.name} ({refused.source})"
    return None


def _refuse_tricks(text: str) -> None:
    if any(char.isspace() or char == "\\" or unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise AddressRefused("the address has blanks, backslashes or control characters")


def read_authority(authority: str) -> tuple[str, int | None]:
    """Read `host` or `host:port` as URLs write them; raise AddressRefused where programs disagree on it."""
    if "@" in authority:
        raise AddressRefused("the address names a user; give it without")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise AddressRefused(f"{shown(authority)} is no host with a port from 1 to 65535")
    port = None if found[2] is None else int(found[2])
    if port is not None and not 1 <= port <= 65535:
        raise AddressRefused(f"{shown(authority)} is no host with a port from 1 to 65535")
    return _read_host(found[1]), port


def _read_host(text: str) -> str:
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except ValueError:
            raise AddressRefused(f"{shown(text)} is no IPv6 address") from None
        if address.scope_id is not None:
            raise AddressRefused(f"{shown(text)} is bound to one network interface")
        return str(address)
    if _READ_TWO_WAYS.search(text):
        raise AddressRefused(f"{shown(text)} is written with letters that programs read differently")
    try:
        host = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise AddressRefused(f"{shown(text)} is no host name") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise AddressRefused(f"{shown(text)} is a number that programs read differently") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(f"{shown(text)} is no host name")
    return host
