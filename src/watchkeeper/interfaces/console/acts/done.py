"""What was just done, kept in a cookie for ten minutes: each page tells of it, and offers to take it back."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request, Response

COOKIE = "watchkeeper_done"
UNDO_SECONDS = 600
"""How long an act that can be taken back is offered to be (console.md, rule 5)."""

MOST_CHARS = 3000
"""Browsers keep no cookie above 4 KB."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was carried out: its audit row in short, and what its undo needs."""

    act: str
    name: str
    target: dict[str, str]
    project: str | None
    at: str
    event: str
    actor: str
    reason: str
    audited_in: str
    """The project in which the audit row stands."""

    @property
    def row(self) -> int:
        """Name the audit row as the page of the trail does: by its moment, in microseconds."""
        return (self.time - _EPOCH) // timedelta(microseconds=1)

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.at)


def remember(response: Response, request: Request, done: Done) -> None:
    """Keep what was done for the next pages; what is too long for a cookie is not told again."""
    text = base64.urlsafe_b64encode(json.dumps(asdict(done)).encode()).decode()
    if len(text) <= MOST_CHARS:
        response.set_cookie(
            COOKIE,
            text,
            max_age=UNDO_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def last_done(cookies: Mapping[str, str]) -> Done | None:
    """Give what the browser remembers; None for nothing, or for what none of ours has written."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cookies.get(COOKIE, "").encode()))
        done = Done(**told)
        texts = (
            done.act,
            done.name,
            done.at,
            done.event,
            done.actor,
            done.reason,
            done.audited_in,
            *done.target.values(),
        )
        if not all(isinstance(text, str) for text in texts) or done.time.tzinfo is None:
            return None
    except (binascii.Error, ValueError, TypeError, AttributeError):
        return None
    return done
