"""Who sent a request: each platform's own proof, over the body as it came, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac

SLACK_WINDOW_SECONDS = 300
"""Slack's own figure: an older request may be one that somebody recorded."""


def line_signed(secret: str, body: bytes, signature: str | None) -> bool:
    """`X-Line-Signature`: base64 of HMAC-SHA256 under the channel's secret (Messaging API reference)."""
    return _same(base64.b64encode(_digest(secret, body)), signature)


def telegram_signed(secret: str, given: str | None) -> bool:
    """`X-Telegram-Bot-Api-Secret-Token`: what setWebhook was told (Bot API); the body itself is not signed."""
    return _same(secret.encode(), given)


def slack_signed(
    secret: str, body: bytes, timestamp: str | None, signature: str | None, *, now: float
) -> bool:
    """`X-Slack-Signature`: `v0=` and the hex HMAC-SHA256 of `v0:TIMESTAMP:BODY`, within five minutes of `now`."""
    if timestamp is None or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return False
    expected = "v0=" + _digest(secret, b"v0:" + timestamp.encode() + b":" + body).hex()
    is_young = abs(now - int(timestamp)) <= SLACK_WINDOW_SECONDS
    return _same(expected.encode(), signature) and is_young


def _digest(secret: str, content: bytes) -> bytes:
    return hmac.new(secret.encode(), content, hashlib.sha256).digest()


def _same(expected: bytes, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(expected, given.encode("utf-8", "replace"))
