"""The console: the row in the outbox is what a person sees, and acknowledges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.services.notifiers.port import Address, Message


class ConsoleNotifier:
    """Sends nothing anywhere: to be sent is to be shown."""

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:  # noqa: ARG002 - the port's shape
        return {"shown_in": "console"}
