"""Which addresses a foreign host leads to, and whether all of them may be connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address

from watchkeeper.domain.allowed_hosts import AllowedHost, OwnListeners
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.foreign_addresses import ForeignUrl, name_refusal, refusal
from watchkeeper.services.fetched import FetchRefusedError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host as text, best first; raises OSError where there are none."""

LOOK_UPS_AT_ONCE = 2
"""Of one project: names that are never answered hold up its own checks and nobody else's."""


class Vetting:
    """Judges hosts by the deny table, by what the installation allows, and by where our own server is.

    `turns` bounds the look-ups of all that share it.
    """

    def __init__(
        self,
        resolve: Resolver,
        turns: asyncio.Semaphore,
        allowed: Sequence[AllowedHost],
        own: OwnListeners,
    ) -> None:
        self._resolve = resolve
        self._turns = turns
        self._allowed = allowed
        self._own = own

    async def addresses(self, url: ForeignUrl) -> list[Address]:
        """Resolve and vet a host; raise FetchRefusedError where any of its addresses is refused."""
        if self._own.are_asked(url):
            raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, f"{url.authority} is our own server")
        is_named = any(allowed.names(url) for allowed in self._allowed)
        if url.address is not None:
            found = [url.address]
        else:
            if not is_named and (why := name_refusal(url.host)):
                raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, why)
            found = await self._resolved(url)
        for address in found:
            is_here = _is_of_this_machine(address)
            if is_here and url.port in self._own.ports:
                raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, f"{url.authority} is our own server")
            if is_named or any(allowed.holds(address, url.port) for allowed in self._allowed):
                continue
            if why := refusal(address) or (f"{address} is this machine" if is_here else None):
                raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, f"{url.authority}: {why}")
        return found

    async def _resolved(self, url: ForeignUrl) -> list[Address]:
        try:
            texts = await self._look_up(url)
        except OSError as error:
            raise FetchRefusedError(
                GateCheck.HTTP_STATUS, f"{url.host} has no address: {error.strerror or error}"
            ) from None
        try:
            found = list(dict.fromkeys(ip_address(text) for text in texts))
        except ValueError as error:
            raise FetchRefusedError(GateCheck.REFUSED_ADDRESS, f"{url.host}: {error}") from None
        if not found:
            raise FetchRefusedError(GateCheck.HTTP_STATUS, f"{url.host} has no address")
        return found

    async def _look_up(self, url: ForeignUrl) -> Sequence[str]:
        """Ask the resolver; whoever stops waiting leaves the turn taken, as the thread is until the system answers."""
        await self._turns.acquire()
        asking = asyncio.ensure_future(self._resolve(url.host, url.port))
        asking.add_done_callback(lambda _: self._turns.release())
        return await asyncio.shield(asking)


class SystemResolver:
    """Resolves as the system does, on threads of its own: a name that answers slowly delays nobody else's work."""

    def __init__(self, threads: int = 16) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(address[0]) for *_, address in found]


def _is_of_this_machine(address: Address) -> bool:
    """Ask the system how it would get there, without a packet: to its own addresses it goes from that very one."""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except (OSError, ValueError):
        return False
