"""The networks and names that no foreign artifact is fetched from: our own deny table, each row with its source.

The rows follow the IANA special-purpose address registries (IPv4 and IPv6) and the registry of special-use
domain names, and add the addresses at which clouds answer their guests' questions. Addresses that carry an IPv4
address inside are refused as a whole: nothing on the open web is reached only through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network


@dataclass(frozen=True, slots=True)
class RefusedNetwork:
    network: IPv4Network | IPv6Network
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class RefusedName:
    """A domain that is refused with all that is below it."""

    name: str
    source: str


_NETWORKS = (
    # IPv4: metadata first, so that it is called by its name
    ("169.254.169.254/32", "cloud metadata", "Amazon EC2, Google Cloud, Azure"),
    ("169.254.170.2/32", "cloud metadata", "Amazon ECS task credentials"),
    ("100.100.100.200/32", "cloud metadata", "Alibaba Cloud"),
    ("168.63.129.16/32", "cloud metadata", "Azure platform address"),
    ("192.0.0.192/32", "cloud metadata", "Oracle Cloud"),
    ("0.0.0.0/8", "this network", "RFC 791"),
    ("10.0.0.0/8", "private use", "RFC 1918"),
    ("100.64.0.0/10", "shared address space (CGNAT)", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122"),
    ("169.254.0.0/16", "link local", "RFC 3927"),
    ("172.16.0.0/12", "private use", "RFC 1918"),
    ("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.31.196.0/24", "AS112", "RFC 7535"),
    ("192.52.193.0/24", "AMT relays", "RFC 7450"),
    ("192.88.99.0/24", "6to4 relay anycast", "RFC 7526"),
    ("192.168.0.0/16", "private use", "RFC 1918"),
    ("192.175.48.0/24", "AS112", "RFC 7534"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("255.255.255.255/32", "limited broadcast", "RFC 8190"),
    ("240.0.0.0/4", "reserved", "RFC 1112"),
    # IPv6: what carries an IPv4 address, what stays local, what is no destination
    ("::/128", "unspecified", "RFC 4291"),
    ("::1/128", "loopback", "RFC 4291"),
    ("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
    ("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765"),
    ("::/96", "IPv4-compatible", "RFC 4291"),
    ("64:ff9b::/96", "NAT64", "RFC 6052"),
    ("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
    ("100::/64", "discard only", "RFC 6666"),
    ("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    ("2001::/32", "Teredo", "RFC 4380"),
    ("2001:2::/48", "benchmarking", "RFC 5180"),
    ("2001:10::/28", "ORCHID", "RFC 4843"),
    ("2001:20::/28", "ORCHIDv2", "RFC 7343"),
    ("2001::/23", "IETF protocol assignments", "RFC 2928"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056"),
    ("2620:4f:8000::/48", "AS112", "RFC 7534"),
    ("3ffe::/16", "6bone, returned", "RFC 3701"),
    ("3fff::/20", "documentation", "RFC 9637"),
    ("5f00::/16", "segment routing SIDs", "RFC 9602"),
    ("fd00:ec2::254/128", "cloud metadata", "Amazon EC2"),
    ("fd20:ce::254/128", "cloud metadata", "Google Cloud"),
    ("fc00::/7", "unique local", "RFC 4193"),
    ("fe80::/10", "link local", "RFC 4291"),
    ("fec0::/10", "site local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291"),
)

REFUSED_NETWORKS = tuple(
    RefusedNetwork(ip_network(network), name, source) for network, name, source in _NETWORKS
)
"""In the order in which they are looked through: the first that holds an address names the reason."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA gives out in IPv6; whatever lies outside is refused, in the table or not (RFC 4291, RFC 3587)."""

REFUSED_NAMES = (
    RefusedName("localhost", "RFC 6761"),
    RefusedName("localdomain", "the usual name of a machine for itself"),
    RefusedName("local", "RFC 6762"),
    RefusedName("internal", "ICANN SAC113"),
    RefusedName("intranet", "RFC 6762, appendix G"),
    RefusedName("private", "RFC 6762, appendix G"),
    RefusedName("corp", "RFC 6762, appendix G"),
    RefusedName("home", "RFC 6762, appendix G"),
    RefusedName("lan", "RFC 6762, appendix G"),
    RefusedName("home.arpa", "RFC 8375"),
    RefusedName("in-addr.arpa", "RFC 1035"),
    RefusedName("ip6.arpa", "RFC 3596"),
    RefusedName("onion", "RFC 7686"),
    RefusedName("alt", "RFC 9476"),
    RefusedName("invalid", "RFC 6761"),
    RefusedName("test", "RFC 6761"),
    RefusedName("example", "RFC 6761"),
)
"""Names that never lead to the open web."""
