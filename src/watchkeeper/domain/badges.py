"""Status badges: what each says in a word, and the signed name in its address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

SIGNATURE_CHARS = 32


class BadgeKind(StrEnum):
    """`state`: does work advance and need nobody; `slo`: the pools' worst; the others as the reports of that name."""

    STATE = "state"
    SLO = "slo"
    STAGES = "stages"
    MATURITY = "maturity"


class Tone(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    PLAIN = "plain"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BadgeStatus:
    """What a badge says: a word of a closed list, with a number where it takes one. Unknown is never green."""

    kind: BadgeKind
    tone: Tone
    word: str
    number: int | None = None


def signed_name(project_id: str, kind: BadgeKind, secret: bytes) -> str:
    """Give the name of a badge in its address: what it shows, and the proof that somebody here gave it out."""
    said = base64.urlsafe_b64encode(f"{kind}:{project_id}".encode()).rstrip(b"=").decode()
    return f"{said}.{_signature(project_id, kind, secret)}"


def read_name(name: str) -> tuple[str, BadgeKind] | None:
    """Give project and kind of a name, whose signature is still to be checked; None for what is none."""
    said, _, signature = name.partition(".")
    if len(name) > 300 or len(signature) != SIGNATURE_CHARS or not name.isascii():
        return None
    try:
        kind, _, project_id = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode().partition(":")
        return project_id, BadgeKind(kind)
    except (binascii.Error, ValueError):
        return None


def is_genuine(name: str, project_id: str, kind: BadgeKind, secret: bytes) -> bool:
    """Say whether a name was signed with this key, in a time that tells nothing of it."""
    return hmac.compare_digest(name.encode(), signed_name(project_id, kind, secret).encode())


def _signature(project_id: str, kind: BadgeKind, secret: bytes) -> str:
    return hmac.new(secret, f"badge\n{kind}\n{project_id}".encode(), hashlib.sha256).hexdigest()[
        :SIGNATURE_CHARS
    ]
