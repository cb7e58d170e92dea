"""Finishes the OpenAPI document: what all routes share, so that none has to say it of itself."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from watchkeeper.interfaces.api import inbound
from watchkeeper.interfaces.api.examples import with_examples
from watchkeeper.interfaces.api.guarded import KEY_HEADER, RIGHTS_KEY, VERSION_KEY
from watchkeeper.interfaces.api.links import LINKS
from watchkeeper.interfaces.api.problems import PROBLEM_SCHEMA, components, refer, statuses
from watchkeeper.interfaces.api.shapes import MAYBE_KEY, OK, Shapes

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
    "host": "The host guard: what a machine carries, and what alerts say of it.",
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


def told_by(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Give the examples of answers as the routes give them: the framework leaves out what is null in them."""
    return {
        operation_id(route): content["example"]
        for route in routes
        if isinstance(route, APIRoute)
        for content in route.responses.get(route.status_code or 200, {}).get("content", {}).values()
        if "example" in content
    }


def finish(document: dict[str, Any], examples: dict[str, Any]) -> None:
    """Put in what the framework cannot know: statuses, headers, links, examples, who may call."""
    shared = document.setdefault("components", {})
    shared.setdefault("schemas", {}).update(
        {
            "Problem": PROBLEM_SCHEMA,
            "Answer": {"type": "object", "required": ["ok"], "properties": {"ok": OK}},
        }
    )
    shared["responses"] = components()
    shared["headers"] = _LIMITS | _REPLAYED | _ETAG
    shared["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "docs/identity.md says how to get one."}
    }
    document["security"] = [{"token": []}]
    shapes, used = Shapes(shared["schemas"]), set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            used.add(operation["tags"][0])
            if (path, method) in OPEN:
                operation["security"] = []
            _body(operation, shared["schemas"])
            _answers(operation, shapes, examples)
            operation.pop(MAYBE_KEY, None)
    known = TAGS | {name: f"Everything about {name}." for name in sorted(used - set(TAGS))}
    document["tags"] = [{"name": name, "description": said} for name, said in known.items() if name in used]
    with_examples(document)


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say that a body which may be empty may be left out."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        shape = schemas.get(content["schema"].get("$ref", "").rsplit("/", 1)[-1], {})
        if shape.get("type") == "object" and not shape.get("required"):
            operation["requestBody"]["required"] = False


def _answers(operation: dict[str, Any], shapes: Shapes, examples: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("default", None)
    for status, answer in answers.items():
        if not status.startswith("2"):
            continue
        for content in answer.get("content", {}).values():
            if "example" in content:
                content["example"] = examples[operation["operationId"]]
        shapes.of_answer(operation, answer)
        answer.setdefault("headers", {}).update(_headers(operation))
        if status == "200" and "format" in _names(operation):
            answer["content"]["text/csv"] = {"schema": {"type": "string"}}
        if links := LINKS.get(operation["operationId"]):
            answer["links"] = deepcopy(links)  # who is given the document may write into it
    possible = {*statuses(operation), *MORE.get(operation["operationId"], ())}
    answers.update({status: said for status, said in refer(possible).items() if status not in answers})


def _headers(operation: dict[str, Any]) -> dict[str, Any]:
    headers = {name: _header(name) for name in _LIMITS} if RIGHTS_KEY in operation else {}
    takes_key = KEY_HEADER in _names(operation)
    if takes_key:
        headers |= {name: _header(name) for name in _REPLAYED}
    if VERSION_KEY in operation and not takes_key:
        headers |= {name: _header(name) for name in _ETAG}
    return headers


def _header(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/headers/{name}"}


def _names(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", ())}
