"""Webhooks: a JSON document is posted, signed as the Standard Webhooks specification has it (version 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from watchkeeper.services.notifiers.port import Address, Message, NotDelivered
from watchkeeper.services.outward import NoAnswer, Outward

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, no secret
SECRET_BYTES = 32
FOR_GOOD = frozenset({401, 403, 404, 410})
"""What says that this address takes nothing from us; any other refusal may be of one message, or only for now."""


def new_signing_secret() -> str:
    """Make a key to sign with, in the form in which receivers' libraries take it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def is_signing_secret(text: str) -> bool:
    """Say whether a text is a key as the specification has them: 24 to 64 bytes in base64 behind the prefix."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return False
    return text.startswith(SECRET_PREFIX) and 24 <= len(key) <= 64


def signature(signing: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign a body: HMAC-SHA256 over id, time and body, joined by dots."""
    key = base64.b64decode(signing.removeprefix(SECRET_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


class WebhookNotifier:
    """Posts to the address of a channel. 2xx is the receipt; what is not for good is tried again."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        body = json.dumps(_document(message), ensure_ascii=False, separators=(",", ":")).encode()
        # The receiver compares it with its own clock, so that an old message cannot be sent again by others.
        timestamp = str(int(time.time()))
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Idempotency-Key": str(message.id),
            "Webhook-Id": str(message.id),
            "Webhook-Timestamp": timestamp,
            "Webhook-Signature": signature(to.signing, str(message.id), timestamp, body),
        }
        from watchkeeper.services.fetch_connection import Sent  # its client is loaded at the first message

        try:
            status = await self._outward.ask(to.address, Sent("POST", "alerts", headers, body))
        except NoAnswer as failure:
            raise NotDelivered(failure.detail, is_permanent=failure.is_refused) from None
        if 200 <= status < 300:
            return {"status": status}
        raise NotDelivered(f"it answered with status {status}", is_permanent=status in FOR_GOOD)


def _document(message: Message) -> dict[str, Any]:
    return {
        "type": "alert",
        "id": str(message.id),
        "at": message.at.isoformat(),
        "project_id": message.project_id,
        "severity": message.severity,
        "rule": message.rule,
        "subject": message.subject,
        "text": message.text,
        "recipient": message.recipient,
        "stage": message.stage,
        "incidents": [str(incident) for incident in message.incidents],
        "runbook": message.runbook,
        "moment": message.moment.value,
        "language": message.language.value,
        "title": message.heading,
        "lines": list(message.body),
        "link": message.link,
    }
