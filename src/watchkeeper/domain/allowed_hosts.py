"""What is decided about hosts by the installation: those it lets the gate fetch from although they are not public,
and its own server, which is never fetched from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from watchkeeper.domain.foreign_addresses import DEFAULT_PORTS, AddressRefused, ForeignUrl, read_authority


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry of the setting `fetch_allow`: a name, an address or a network; without a port, any port."""

    host: str
    network: IPv4Network | IPv6Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> AllowedHost:
        """Read `host`, `host:port`, an address or a network in CIDR; raise ValueError with what is wrong."""
        text = text.strip()
        if "/" in text:
            return cls("", ip_network(text), None)
        if text.count(":") > 1 and not text.startswith("["):
            return cls("", ip_network(text), None)
        try:
            host, port = read_authority(text)
        except AddressRefused as refused:
            raise ValueError(str(refused)) from None
        try:
            return cls("", ip_network(host), port)
        except ValueError:
            return cls(host, None, port)

    def names(self, url: ForeignUrl) -> bool:
        """Say whether the URL asks for this very name."""
        return self.host == url.host and self.port in (None, url.port)

    def holds(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        return self.network is not None and address in self.network and self.port in (None, port)


@dataclass(frozen=True, slots=True)
class OwnListeners:
    """Where our own server answers: under which host and port people ask for it, and at which ports of this machine."""

    names: frozenset[tuple[str, int]] = frozenset()
    ports: frozenset[int] = frozenset()

    @classmethod
    def of(cls, urls: Iterable[str], ports: Iterable[int]) -> OwnListeners:
        """Read them from URLs; one that could not be fetched anyway needs no refusal of its own."""
        names = set()
        for text in urls:
            with contextlib.suppress(AddressRefused):
                url = ForeignUrl.parse(text)
                names.add((url.host, url.port))
        # 80 and 443 are a proxy's, which may serve others beside us
        direct = {port for _, port in names if port not in DEFAULT_PORTS.values()}
        return cls(frozenset(names), frozenset(ports) | direct)

    def are_asked(self, url: ForeignUrl) -> bool:
        """Say whether the URL asks for our server by one of its own names."""
        return (url.host, url.port) in self.names
