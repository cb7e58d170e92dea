"""How the notifiers of chats talk to their APIs: JSON there, JSON back, and one way to tell a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchkeeper.services.notifiers.port import NotDelivered
from watchkeeper.services.outward import Answered, NoAnswer, Outward

SENDER = "alerts"


async def asked(
    outward: Outward,
    url: str,
    document: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Post a document, or get without one, and give the answer whatever its status; raise NotDelivered for none."""
    from watchkeeper.services.fetch_connection import Sent  # its client is loaded at the first message

    body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
    told: dict[bytes | str, bytes | str] = {"Content-Length": str(len(body))}
    told.update(headers or {})
    if document is not None:
        told["Content-Type"] = "application/json; charset=utf-8"
    if token is not None:
        told["Authorization"] = f"Bearer {token}"
    try:
        return await outward.talk(url, Sent("GET" if document is None else "POST", SENDER, told, body))
    except NoAnswer as failure:
        raise NotDelivered(failure.detail, is_permanent=failure.is_refused) from None


def trouble_of_theirs(answer: Answered) -> NotDelivered | None:
    """Say that a server is in trouble or busy; None for an answer that means what it says."""
    if answer.status >= 500:
        return NotDelivered(f"it answered with status {answer.status}", retry_after=answer.retry_after)
    return None
