"""How a route is declared: its rights, its example answer, its errors; OpenAPI is made from this."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.guarded import (
    COMMAND_KEY,
    DRY_RUN,
    FILES_KEY,
    JOB_TOKEN_KEY,
    KEY_HEADER,
    RIGHTS_KEY,
)

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "ok", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string"},
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

PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "An error: problem+json with the code, and what to do about it.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}

TIME = "2026-11-21T12:00:00+00:00"
JOB_ID = "019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f11"


def declared(
    *rights: Right,
    example: dict[str, Any] | None = None,
    status: int = 200,
    key: str | None = None,
    command: str | None = None,
    files: bool = False,
    job_token: bool = False,
) -> dict[str, Any]:
    """Give the keyword arguments of a route: who has any of `rights` may call it.

    `key` is `required` or `optional` for routes that take an idempotency key; `command` is the name by which
    a contract command is recorded; `files` says that the body is multipart; `job_token` lets in
    the agent of one attempt, whose reach the route itself keeps to its job.
    """
    extra: dict[str, Any] = {RIGHTS_KEY: [right.value for right in rights]}
    if key is not None:
        extra["parameters"] = [_key(required=key == "required"), *([] if command else [_DRY_RUN])]
    if command is not None:
        extra[COMMAND_KEY] = command
    if job_token:
        extra[JOB_TOKEN_KEY] = True
    if files:
        extra[FILES_KEY] = True
        extra["requestBody"] = _multipart()
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Answer"}}
    if example is not None:
        content["example"] = {"ok": True, **example}
    answers = {status: {"description": "Done.", "content": {"application/json": content}}}
    return {"openapi_extra": extra, "responses": answers | PROBLEM, "status_code": status}


def _key(*, required: bool) -> dict[str, Any]:
    return {
        "name": KEY_HEADER,
        "in": "header",
        "required": required,
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
        "description": "Makes a repeated request safe: it is carried out once, and answered alike.",
    }


_DRY_RUN = {
    "name": DRY_RUN,
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
    "description": "Go the same way and take it all back: answered as the act would be.",
}


def _multipart() -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
    schema = {"type": "object", "required": ["files"], "properties": {"files": files}}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
