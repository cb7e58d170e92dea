"""Errors as the OpenAPI document tells them: the shape of a problem, and which statuses a route can answer."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.errors import HTTP_STATUS
from watchkeeper.interfaces.api.guarded import COMMAND_KEY, KEY_HEADER, RIGHTS_KEY, VERSION_KEY

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "ok", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string", "enum": sorted(HTTP_STATUS)},
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "details": {"type": "object"},
            },
        },
    },
}

MEANINGS: dict[str, tuple[str, str]] = {
    "400": ("BadRequest", "The request is malformed: `usage`, with what is wrong and where."),
    "401": ("Unauthenticated", "No token came with the request, or one that is unknown, expired or revoked."),
    "403": ("Forbidden", "The token's role does not allow this."),
    "404": ("NotFound", "There is no such thing here; things of other projects answer the same."),
    "409": ("Conflict", "The state does not allow this: `conflict`, `stale_lease`, `paused` and their like."),
    "412": ("PreconditionFailed", "The thing has changed since the version that `If-Match` names."),
    "413": ("TooLarge", "The request's body is too large."),
    "415": ("NotJson", "The request's body is declared as something else than what the route takes."),
    "422": (
        "Refused",
        "What was sent is understood and refused: a contract, the gate, or a key used before.",
    ),
    "429": ("RateLimited", "Too many requests; `Retry-After` says how many seconds to wait."),
    "500": (
        "InternalError",
        "What nobody foresaw; the server's log has it under the id that the hint names.",
    ),
    "503": ("Unavailable", "The database cannot be reached; nothing is lost, and `Retry-After` says when."),
}
_WAIT = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
_HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    "429": _WAIT,
    "503": _WAIT,
}


def components() -> dict[str, Any]:
    """Give the answers that all routes share, under the names by which they are referred to."""
    return {name: _problem(status, said) for status, (name, said) in MEANINGS.items()}


def statuses(operation: dict[str, Any]) -> set[str]:
    """Give the error statuses that an operation can answer, from what it takes."""
    found = {"500", "503"}
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if RIGHTS_KEY in operation:
        found |= {"400", "401", "403", "404", "429"}
    if "requestBody" in operation:
        found |= {"400", "413", "415"}
    if "requestBody" in operation or KEY_HEADER in names or COMMAND_KEY in operation:
        found |= {"409", "422"}
    if VERSION_KEY in operation and KEY_HEADER in names:
        found.add("412")
    return found


def refer(possible: set[str]) -> dict[str, Any]:
    """Give the entries of a route's `responses` for these statuses."""
    return {status: {"$ref": f"#/components/responses/{MEANINGS[status][0]}"} for status in sorted(possible)}


def _problem(status: str, said: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {"headers": _HEADERS[status]} if status in _HEADERS else {}
    return {"description": said, "content": content, **headers}
