"""The facts of an alert as its template tells them: short, of one line, in the reader's language and time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain import alert_words as words
from watchkeeper.domain.alert_templates import said
from watchkeeper.domain.alert_text import escalation_sentence
from watchkeeper.domain.cause_words import cause
from watchkeeper.domain.messages import MESSAGES, MessageLanguage, MessageName, message
from watchkeeper.domain.rules.names import NextAction

MAX_FACT_CHARS = 300
MAX_OBJECTS = 10
"""So many of the incidents that a message stands for are named; of the others it tells how many."""

PROGRAMS = frozenset({"watchdog", "system"})
"""Who closes an incident without being a person."""

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Line ends, and what turns the direction of the text behind it."""

FACTS = (
    *(
        "what",
        "object",
        "age",
        "opened_at",
        "cause",
        "evidence",
        "symptoms",
        "flapping",
        "repair",
        "standing",
    ),
    *(
        "sentence",
        "owner",
        "severity",
        "rule",
        "project",
        "stage",
        "due",
        "next_action",
        "next_person",
        "next_at",
    ),
    *(
        "action",
        "plan",
        "expires_at",
        "lasted",
        "resolved_at",
        "resolved_by",
        "count",
        "objects",
        "more",
        "why",
    ),
    *("subject", "text", "channel", "actor", "at", "link", "runbook"),
)
"""What a template may ask for; what a message has not is empty."""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a message is written, and when."""

    language: MessageLanguage
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How an incident stands as its message is written."""

    state: str | None = None
    acknowledged_by: str | None = None
    acknowledged_until: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    repair_action: str | None = None
    repair_state: str | None = None
    repair_result: str | None = None
    decided_by: str | None = None


def one_line(text: str) -> str:
    """Keep a text from outside to its place: it adds no line, and turns no direction."""
    return " ".join(_CONTROLS.sub(" ", text).split())[:MAX_FACT_CHARS]


def cut_facts(facts: Any) -> Any:
    """Cut each text of some facts."""
    if isinstance(facts, str):
        return one_line(facts)
    if isinstance(facts, Mapping):
        return {name: cut_facts(value) for name, value in facts.items()}
    return facts


def incident_facts(stored: Mapping[str, Any], standing: Standing, reader: Reader) -> dict[str, Any]:
    """Give the facts of one incident's message."""
    opened = _time(stored.get("opened_at")) or reader.now
    resolved = standing.resolved_at or reader.now
    approval = stored.get("approval") or {}
    return {
        **dict.fromkeys(FACTS, ""),
        **{name: stored.get(name) or "" for name in ("evidence", "owner", "severity", "rule")},
        **{name: stored.get(name) or "" for name in ("project", "stage", "next_action", "next_person")},
        "what": words.found(str(stored.get("rule")), reader.language),
        "cause": cause(str(stored.get("cause") or ""), reader.language),
        "object": object_of(stored, reader.language),
        "age": words.lasting(reader.now - opened, reader.language),
        "lasted": words.lasting(resolved - opened, reader.language),
        "opened_at": words.clock(opened, reader.time_zone),
        "resolved_at": words.clock(resolved, reader.time_zone),
        "resolved_by": "" if standing.resolved_by in PROGRAMS else one_line(standing.resolved_by or ""),
        "due": _clock(stored.get("due_at"), reader),
        "next_at": _clock(stored.get("next_at"), reader),
        "symptoms": stored.get("symptoms") or 0,
        "flapping": bool(stored.get("flapping")),
        "repair": _repair(standing, reader.language),
        "standing": standing_of(standing, reader),
        "sentence": sentence_of(stored, reader),
        "action": words.action(str(approval.get("action", "")), reader.language),
        "plan": str(approval.get("digest") or "")[:12],
        "expires_at": _clock(approval.get("expires_at"), reader),
        "count": 1,
    }


def object_of(stored: Mapping[str, Any], language: MessageLanguage) -> str:
    """Name what an incident is about, the nearest first."""
    named = [(word, stored[word]) for word in ("job", "worker", "kind") if stored.get(word)]
    return " · ".join(said(word, language, name=value) for word, value in named[:2])


def sentence_of(stored: Mapping[str, Any], reader: Reader) -> str:
    """Write the sentence that people are called by."""
    action = stored.get("next_action")
    return escalation_sentence(
        state=str(stored.get("rule")),
        job=stored.get("job_id"),
        evidence=stored.get("evidence"),
        next_action=NextAction(action) if action in set(NextAction) else NextAction.NONE,
        owner=str(stored.get("owner") or ""),
        due=_time(stored.get("due_at")),
        time_zone=reader.time_zone,
        language=reader.language,
    )


def standing_of(standing: Standing, reader: Reader) -> str:
    """Say in a sentence what was decided since; nothing where nobody did anything."""
    language, until = reader.language, standing.acknowledged_until
    if standing.state == "resolved" and standing.resolved_at is not None:
        return said("over", language, until=words.clock(standing.resolved_at, reader.time_zone))
    if standing.repair_state in ("approved", "rejected") and standing.decided_by:
        return said(standing.repair_state, language, who=one_line(standing.decided_by))
    if standing.repair_state == "expired":
        return said("expired", language)
    if standing.state in ("repairing", "verifying"):
        return said("repairing", language)
    if standing.acknowledged_by and until is not None and until > reader.now:
        who, time = one_line(standing.acknowledged_by), words.clock(until, reader.time_zone)
        return said("acknowledged", language, who=who, until=time)
    return ""


def together_facts(items: Sequence[str], why: str, language: MessageLanguage) -> dict[str, Any]:
    """Give the facts of a message that stands for many."""
    return {
        "count": len(items),
        "objects": list(items[:MAX_OBJECTS]),
        "more": max(0, len(items) - MAX_OBJECTS),
        "why": said(why, language),
    }


def notice_facts(
    subject: str | None, text: str, stored: Mapping[str, Any], language: MessageLanguage
) -> dict[str, Any]:
    """Give the facts of a notice; one that is a known message is told in the reader's language."""
    told = stored.get("message")
    if told in set(MessageName) and language in MESSAGES:
        text = message(MessageName(told), language, stored.get("facts") or {}).text
    first, _, rest = text.partition("\n")
    body = text if subject else rest
    return {**dict.fromkeys(FACTS, ""), **stored, "subject": subject or first, "text": body}


def _repair(standing: Standing, language: MessageLanguage) -> str:
    if standing.repair_result not in ("success", "failed", "needs_human") or not standing.repair_action:
        return ""
    return said(standing.repair_result, language, action=words.action(standing.repair_action, language))


def _clock(told: Any, reader: Reader) -> str:
    at = _time(told)
    return "" if at is None else words.clock(at, reader.time_zone)


def _time(told: Any) -> datetime | None:
    if isinstance(told, datetime) or told is None:
        return told
    return datetime.fromisoformat(str(told))
