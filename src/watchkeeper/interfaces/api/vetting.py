"""Secrets in requests: what people write is kept without them, and a name that holds one is refused.

Deny by default: every text of a body or a query is a name unless it stands in a table here. So a new route
keeps no secret, whatever fields it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from watchkeeper.domain.redaction import Redactor

FREE_TEXTS = frozenset(
    {
        *("reason", "summary", "text", "question", "answer", "evidence_ref", "annotations"),
        *("learned", "learning", "next_worker_should_check", "assumptions_to_test", "next_round"),
        *("upgrade_trigger", "problem", "decision", "options", "recommendation", "reasoning"),
        *("landing_path", "feedback_if_rejected", "subject"),
        *("root_cause", "service_health", "owner_followup", "evidence_refs"),
    }
)
"""Fields of what a person or an agent says, texts or JSON: kept, with secrets taken out."""

LEFT_TO_SERVICES = frozenset(
    {
        *("payload", "artifacts", "url", "leases", "message"),
        *("output", "error_message", "files", "failed", "primary_url", "primary_artifact_ref", "evidence"),
        *(
            "secrets",
            "signing_secret",
            "events",
            "diagnosis",
            "standing",
            "unknown",
            "left",
            "transcript",
            "workspace",
            "packet",
            "packets",
        ),
    }
)
"""Fields that are needed as given, or hold tokens by nature; what is kept of them is redacted where it is kept."""


def vetted(document: Any, redactor: Redactor) -> Any:
    """Give a body with its free texts redacted; raise SecretInName where another text holds a secret."""
    parts = document if isinstance(document, list) else [document]
    names = [text for part in parts if isinstance(part, dict) for text in _names(part)]
    # One search for all: that of a bulk enqueue has 10,000 of each.
    if redactor.suspects("\n".join(names)):
        for part in parts:
            _refuse(part, redactor)
    told = [_without_secrets(part, redactor) if isinstance(part, dict) else part for part in parts]
    return told if isinstance(document, list) else told[0]


def vet_query(request: Request, redactor: Redactor) -> None:
    """The same for the query, in place; to be called before anybody reads it."""
    query = request.scope["query_string"].decode("latin-1")
    if not query:
        return
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, value in pairs:
        redactor.refuse_in_name("the name of a query parameter", name)
        if name not in FREE_TEXTS:
            redactor.refuse_in_name(f"the query parameter '{name[:60]}'", value)
    told = [(name, redactor.redact(value) if name in FREE_TEXTS else value) for name, value in pairs]
    if told != pairs:
        request.scope["query_string"] = urlencode(told).encode("latin-1")


def said_secrets(document: Any, redactor: Redactor) -> tuple[str, ...]:
    """Give the kinds of secrets that stand in what an agent says with a command, before they are taken out."""
    if not isinstance(document, dict):
        return ()
    kinds: set[str] = set()
    redactor.redact_data([document.get(key) for key in (*FREE_TEXTS, "message", "payload")], kinds)
    return tuple(sorted(kinds))


def _without_secrets(part: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    return {key: redactor.redact_data(value) if key in FREE_TEXTS else value for key, value in part.items()}


def _names(part: dict[str, Any]) -> Iterator[str]:
    for key, value in part.items():
        yield key
        if key not in FREE_TEXTS and key not in LEFT_TO_SERVICES:
            yield from _texts(value)


def _refuse(part: Any, redactor: Redactor) -> None:
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        redactor.refuse_in_name("a key of the body", key)
        if key not in FREE_TEXTS and key not in LEFT_TO_SERVICES:
            for text in _texts(value):
                redactor.refuse_in_name(f"'{key[:60]}'", text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
