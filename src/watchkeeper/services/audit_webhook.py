"""The anchor's other place: anchored heads of the audit chain, sent where no one on this machine can change them."""

from __future__ import annotations

import asyncio

from watchkeeper.logs import log
from watchkeeper.services.audit_anchor import Head
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.duties import Duty, Ran

INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 5.0
AFTER_FAILURE_SECONDS = 30.0


class AuditWebhook:
    """Posts the newest anchored head as JSON; one that cannot be sent is overtaken by the next."""

    def __init__(self, url: str, sealer: AuditSealer) -> None:
        self._url = url
        self._sealer = sealer
        self._told: Head | None = None
        self._failing = False
        self._not_before = float("-inf")

    def duty(self) -> Duty:
        return Duty("audit_webhook", self.run_once, INTERVAL_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Send the head if it is new; a failure is logged once, and tried again half a minute later."""
        import httpx2  # 2 MB that nobody without a webhook needs

        clock = asyncio.get_running_loop().time
        head = self._sealer.anchored
        if head is None or head == self._told or clock() < self._not_before:
            return Ran({})
        body = {"type": "head", "number": head.number, "timeline": head.timeline, "hash": head.hash.hex()}
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                (await client.post(self._url, json=body)).raise_for_status()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            if not self._failing:
                # The text of an error may hold the address, and that a secret.
                log("audit_webhook_failed", detail=type(error).__name__)
            self._failing, self._not_before = True, clock() + AFTER_FAILURE_SECONDS
        else:
            self._told, self._failing = head, False
        return Ran({})
