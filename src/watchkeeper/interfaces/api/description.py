"""Finishes the OpenAPI document: what all routes share, so that none has to say it of itself."""

from __future__ import annotations

from typing import Any

from fastapi.routing import APIRoute

from watchkeeper.interfaces.api import inbound
from watchkeeper.interfaces.api.examples import with_examples
from watchkeeper.interfaces.api.guarded import KEY_HEADER, RIGHTS_KEY, VERSION_KEY
from watchkeeper.interfaces.api.links import LINKS
from watchkeeper.interfaces.api.problems import PROBLEM_SCHEMA, components, refer, statuses

OPEN = (("/healthz", "get"), ("/readyz", "get"), (inbound.PATH, "post"))
"""What asks for no token."""

MORE = {"chat_receive": ("401", "404", "429")}
"""Statuses that the kind of a route does not tell."""

TAGS = {
    "worker": "The contract: what a worker says from `doctor` to `complete`, under its lease.",
    "sessions": "What agents do in their sessions: told by their supervisor, read by people.",
    "jobs": "Enqueue, look at, move.",
    "bulk": "One act on many jobs.",
    "kinds": "What each kind of job declares, and pausing it.",
    "projects": "The tenants.",
    "workers": "Who claims, what they hold, and the switches.",
    "tokens": "Bearer tokens: made, listed, rotated, revoked.",
    "logins": "The console's sessions and invitations to it.",
    "windows": "Maintenance windows of hosts.",
    "schedules": "Jobs by the clock.",
    "watchdog": "How queues and workers stand, and why something does not move.",
    "incidents": "What the watchdog found, or somebody reported.",
    "repairs": "Planned, decided, carried out, undone.",
    "policy": "How far each rule may go by itself.",
    "recording": "What other platforms report of their own queues and workers.",
    "alerts": "Whom an incident was told, and what came of it.",
    "channels": "Where alerts go.",
    "chat": "LINE, Telegram and Slack: doors, links, and what they post.",
    "lessons": "What was learnt.",
    "proposals": "Decisions that wait for a person.",
    "people": "Questions to people, and their answers.",
    "signals": "What came from outside to be acted upon.",
    "artifacts": "Files of jobs.",
    "audit": "Who did what, sealed in a chain.",
    "reconcile": "Results that came too late.",
    "reports": "Figures over time.",
    "views": "Pages with their filters, kept under a name.",
    "shares": "Read-only links to a page.",
    "badges": "The state as a small picture.",
    "system": "Life, readiness, metrics, and the stream of changes.",
}

_LIMITS = {
    "RateLimit-Policy": {
        "description": "How much a token may ask: `q` requests in `w` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {"description": "What is left of it: `r` requests.", "schema": {"type": "string"}},
}
_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "The request was carried out before; this is what was answered then.",
        "schema": {"const": "true"},
    }
}
_ETAG = {"ETag": {"description": "Its version, for `If-Match`.", "schema": {"type": "string"}}}


def operation_id(route: APIRoute) -> str:
    """Name an operation after its tag and what it does there: `jobs_pause`."""
    return f"{route.tags[0]}_{route.name}"


def finish(document: dict[str, Any]) -> None:
    """Put in what the framework cannot know: statuses, headers, links, examples, who may call."""
    shared = document.setdefault("components", {})
    shared.setdefault("schemas", {}).update(
        {
            "Problem": PROBLEM_SCHEMA,
            "Answer": {"type": "object", "required": ["ok"], "properties": {"ok": {"const": True}}},
        }
    )
    shared["responses"] = components()
    shared["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "docs/identity.md says how to get one."}
    }
    document["security"] = [{"token": []}]
    used = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            used.add(operation["tags"][0])
            if (path, method) in OPEN:
                operation["security"] = []
            _answers(operation)
    document["tags"] = [{"name": name, "description": said} for name, said in TAGS.items() if name in used]
    with_examples(document)


def _answers(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("default", None)
    for status, answer in answers.items():
        if status.startswith("2") and (headers := _headers(operation)):
            answer.setdefault("headers", {}).update(headers)
        if status == "200" and "format" in _names(operation):
            answer["content"]["text/csv"] = {"schema": {"type": "string"}}
        if (links := LINKS.get(operation["operationId"])) and status.startswith("2"):
            answer["links"] = links
    possible = {*statuses(operation), *MORE.get(operation["operationId"], ())}
    answers.update({status: said for status, said in refer(possible).items() if status not in answers})


def _headers(operation: dict[str, Any]) -> dict[str, Any]:
    headers = dict(_LIMITS) if RIGHTS_KEY in operation else {}
    takes_key = KEY_HEADER in _names(operation)
    if takes_key:
        headers |= _REPLAYED
    if VERSION_KEY in operation and not takes_key:
        headers |= _ETAG
    return headers


def _names(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", ())}
