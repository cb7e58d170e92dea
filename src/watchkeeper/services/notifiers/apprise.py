"""Everything else: services that the library Apprise knows, on a thread of its own and in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.services.notifiers.port import Address, Message, NotDelivered
from watchkeeper.services.outward import NoAnswer, Outward

SECONDS = 20.0
MAX_BODY_CHARS = 4_000

OF_THIS_MACHINE = frozenset(
    {
        *("dbus", "glib", "gnome", "kde", "macosx", "qt", "windows", "syslog", "rsyslog", "file"),
        *("json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises", "mailto", "mailtos"),
    }
)
"""What reaches this machine's own desktop or logs, or is a bare request: those have a kind of channel of their own."""


class AppriseNotifier:
    """Hands a message to Apprise. It dials by itself: its host is vetted before, not held to (ADR 0022)."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        service = await self._service(to.secrets["url"])
        body = "\n".join([*message.body, *([message.link] if message.link else [])])[:MAX_BODY_CHARS]
        try:
            async with asyncio.timeout(SECONDS):
                taken = await asyncio.to_thread(
                    service.notify, body=body, title=message.heading, notify_type=_weight(message.severity)
                )
        except TimeoutError:
            raise NotDelivered(f"the service did not take it within {SECONDS:g} seconds") from None
        except Exception as error:  # noqa: BLE001 - any of some hundred plug-ins may raise what it likes
            raise NotDelivered(f"the service failed: {type(error).__name__}") from None
        if not taken:
            raise NotDelivered("the service did not take it")
        return {"service": str(service.service_name)}

    async def _service(self, url: str) -> Any:
        service = service_of(url)
        host = getattr(service, "host", None)
        if isinstance(host, str) and "." in host:
            try:
                await self._outward.vet(f"http://{host}:{getattr(service, 'port', None) or 443}/")
            except NoAnswer as failure:
                raise NotDelivered(failure.detail, is_permanent=failure.is_refused) from None
        return service


def service_of(url: str) -> Any:
    """Read an Apprise address; raise UsageError for none, for one of this machine, and where Apprise is missing."""
    try:
        import apprise
    except ModuleNotFoundError:
        raise UsageError(
            "Apprise is not installed here", hint="pip install 'watchkeeper[apprise]' brings it."
        ) from None
    scheme = url.partition("://")[0].lower()
    if scheme in OF_THIS_MACHINE:
        raise UsageError(f"an Apprise channel does not send by {scheme}://", hint="Use 'webhook' or 'email'.")
    service = apprise.Apprise.instantiate(url)
    if service is None:
        raise UsageError("Apprise knows no such service, or the address lacks a part")
    return service


def _weight(severity: str) -> Any:
    import apprise

    weights = {"critical": apprise.NotifyType.FAILURE, "high": apprise.NotifyType.WARNING}
    return weights.get(severity, apprise.NotifyType.INFO)
