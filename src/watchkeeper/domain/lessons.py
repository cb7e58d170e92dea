"""Lessons: the documents in which they come and go, and how much of them a worker is handed.

What stands in a lesson was written by others, agents too: it is data, of bounded length, and never an instruction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.suggestions import did_you_mean, shown

MAX_ENTRIES = 50
MAX_ENTRY_CHARS = 2_000
MAX_NAME_CHARS = 200

MOST_HANDED = 5
MOST_HANDED_CHARS = 6_000
MOST_LESSON_CHARS = 2_000
"""Of one lesson, so that a long one leaves room for others."""

REFUTED_ENOUGH = 3
"""A lesson that was refuted so often, and oftener than confirmed, is handed out no more."""

TEXTS = ("learned", "next_worker_should_check", "assumptions_to_test", "next_round")
"""The lists of sentences; `learning` is another word for the first."""

NAMES = ("project_id", "job_id", "topic_key", "ai_native_project_id")
ROUTING = ("kind", "rule", "route_kind", "route_pool")
"""What we add: which kind of job it is about, which rule it is to keep from firing, where signals of its topic go."""

KNOWN_KEYS = (*NAMES, *TEXTS, "learning", "upgrade_trigger", *ROUTING)


class LessonState(StrEnum):
    PROPOSED = "proposed"
    PUBLISHED = "published"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a document says. `document` is the document itself, which an export gives back."""

    document: Mapping[str, Any]
    learned: tuple[str, ...] = ()
    next_worker_should_check: tuple[str, ...] = ()
    assumptions_to_test: tuple[str, ...] = ()
    next_round: tuple[str, ...] = ()
    upgrade_trigger: str | None = None
    topic_key: str | None = None
    ai_native_project_id: str | None = None
    job: str | None = None
    kind: str | None = None
    rule: RuleName | None = None
    route_kind: str | None = None
    route_pool: str | None = None

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the document: the same document is the same lesson."""
        return hashlib.sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()


def parse_lesson(document: Any) -> Lesson:
    """Read a document; raise UsageError for an unknown key, with the one that was meant, and for what is too long."""
    if not isinstance(document, dict):
        raise UsageError("a lesson is a JSON object")
    for key in document:
        if key not in KNOWN_KEYS:
            raise UsageError(f"unknown key {shown(key)}; {did_you_mean(str(key), KNOWN_KEYS)}")
    if "learned" in document and "learning" in document:
        raise UsageError("'learned' and 'learning' are the same: give one of them")
    texts = {name: _sentences(document, name) for name in (*TEXTS, "learning")}
    texts["learned"] += texts.pop("learning")
    if not any(texts.values()):
        raise UsageError("the lesson says nothing", hint=f"Give at least one of {', '.join(TEXTS)}.")
    names = {name: _name(document, name) for name in (*NAMES, *ROUTING)}
    for name in ("kind", "route_kind"):
        if (kind := names[name]) is not None:
            checked_kind_name(kind)
    return Lesson(
        document,
        **texts,
        upgrade_trigger=_text(document, "upgrade_trigger", MAX_ENTRY_CHARS),
        topic_key=names["topic_key"],
        ai_native_project_id=names["ai_native_project_id"],
        job=names["job_id"],
        kind=names["kind"],
        rule=_rule(names["rule"]),
        route_kind=names["route_kind"],
        route_pool=names["route_pool"],
    )


def _sentences(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = document.get(key, [])
    if not isinstance(given, list) or not all(isinstance(entry, str) for entry in given):
        raise UsageError(f"'{key}' is a list of texts")
    if len(given) > MAX_ENTRIES:
        raise UsageError(f"'{key}' has {len(given):,} entries; at most {MAX_ENTRIES}")
    if any(len(entry) > MAX_ENTRY_CHARS for entry in given):
        raise UsageError(f"an entry of '{key}' has more than {MAX_ENTRY_CHARS:,} characters")
    return tuple(given)


def _name(document: Mapping[str, Any], key: str) -> str | None:
    return _text(document, key, MAX_NAME_CHARS) or None


def _text(document: Mapping[str, Any], key: str, most: int) -> str | None:
    given = document.get(key)
    if given is not None and not isinstance(given, str):
        raise UsageError(f"'{key}' is a text")
    if given is not None and len(given) > most:
        raise UsageError(f"'{key}' has more than {most:,} characters")
    return given


def _rule(name: str | None) -> RuleName | None:
    if name is None:
        return None
    if name not in set(RuleName):
        raise UsageError(f"there is no rule {shown(name)}; {did_you_mean(name, list(RuleName))}")
    return RuleName(name)


def bounded(rows: Iterable[Mapping[str, Any]], most_chars: int = MOST_HANDED_CHARS) -> list[dict[str, Any]]:
    """Give the lessons that a worker is handed, the best first, cut to so many characters in all.

    Whole sentences are left out, with `cut` for a lesson that lost some; a lesson of which nothing is left goes.
    """
    handed = []
    for row in rows:
        room = free = min(most_chars, MOST_LESSON_CHARS)
        kept: dict[str, list[str]] = {name: [] for name in TEXTS}
        for name in TEXTS:
            for sentence in row[name]:
                if len(sentence) <= room:
                    room -= len(sentence)
                    kept[name].append(sentence)
        most_chars -= free - room
        if any(kept.values()):
            is_cut = any(len(kept[name]) < len(row[name]) for name in TEXTS)
            handed.append({**row, **kept, "cut": is_cut, "treat_as": "data"})
    return handed
