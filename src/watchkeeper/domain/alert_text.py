"""What an alert says: one sentence, the same on every channel."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from watchkeeper.domain.messages import MessageLanguage, MessageName, message
from watchkeeper.domain.rules.names import NextAction

MAX_FACT_CHARS = 300
"""Of each fact in the sentence, which came from outside, as much is told."""


def escalation_sentence(
    *,
    state: str,
    job: str | None,
    evidence: str | None,
    next_action: NextAction,
    owner: str,
    due: datetime | None,
    time_zone: str = "UTC",
    language: MessageLanguage = MessageLanguage.EN,
) -> str:
    """Give the sentence by which people are called; it is the source's, to the letter.

    `state` is the rule that found it. Where no action is known, the queue is to be inspected: the sentence knows four.
    """
    action = NextAction.INSPECT_QUEUE if next_action is NextAction.NONE else next_action
    facts = {
        "state": _fact(state),
        "job": _fact(job),
        "evidence": _fact(evidence),
        "next_action": action,
        "owner": _fact(owner),
        "due": _time(due, time_zone),
    }
    return message(MessageName.BLOCKED, language, facts).text


def _fact(text: str | None) -> str:
    """Keep a fact to its place: a text from outside adds no line and no further fact."""
    plain = " ".join((text or "none").split()).replace(";", ",")
    return plain[:MAX_FACT_CHARS] or "none"


def _time(at: datetime | None, time_zone: str) -> str:
    return "none" if at is None else f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} {time_zone}"
