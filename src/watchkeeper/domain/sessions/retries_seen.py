"""A span of a session in which nothing came but retries."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.sessions.events import Retrying, Trouble


@dataclass(slots=True)
class Retries:
    """`delay` is how long the last one said that it would wait; trouble and text are the last that were told."""

    since: float
    last_at: float = 0.0
    trouble: Trouble = Trouble.OTHER
    text: str = ""
    count: int = 0
    delay: float = 0.0

    def take(self, at: float, retrying: Retrying) -> None:
        self.last_at, self.delay = at, retrying.delay_seconds or 0.0
        self.count += 1
        self.trouble, self.text = retrying.trouble, retrying.text or self.text
