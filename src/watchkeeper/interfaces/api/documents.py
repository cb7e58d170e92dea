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
    VERSION_KEY,
)
from watchkeeper.interfaces.api.shapes import MAYBE_KEY
from watchkeeper.interfaces.api.versions import MATCH_HEADER

PROBLEM: dict[int | str, dict[str, Any]] = {"default": {"description": "An error, as problem+json."}}
"""Keeps the framework's own words on errors out; the statuses that a route can answer are put in its place."""

TIME = "2026-11-21T12:00:00+00:00"
JOB_ID = "019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f11"


def declared(
    *rights: Right,
    name: str | None = None,
    example: dict[str, Any] | None = None,
    status: int = 200,
    key: str | None = None,
    command: str | None = None,
    files: bool = False,
    job_token: bool = False,
    version_of: str | None = None,
    plain: str | None = None,
    answers: dict[int | str, Any] | None = None,
    maybe: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Give the keyword arguments of a route: who has any of `rights` may call it.

    `name` is what the operation is called within its tag, where the handler's own name does not say it.
    `key` is `required` or `optional` for routes that take an idempotency key; `command` is the name by which
    a contract command is recorded; `files` says that the body is multipart; `job_token` lets in
    the agent of one attempt, whose reach the route itself keeps to its job. `version_of` is what the address names,
    where that has versions: a read answers with its `ETag`, an act takes `If-Match`.
    `plain` is the media type of an answer that is no JSON, `answers` are those under other statuses. What the
    example has at its top is in every answer, but for `maybe`.
    """
    extra: dict[str, Any] = {RIGHTS_KEY: [right.value for right in rights], MAYBE_KEY: maybe}
    if version_of is not None:
        extra[VERSION_KEY] = version_of
    if key is not None:
        besides = [*([] if command else [_DRY_RUN]), *([_MATCH] if version_of else [])]
        extra["parameters"] = [_key(required=key == "required"), *besides]
    if command is not None:
        extra[COMMAND_KEY] = command
    if job_token:
        extra[JOB_TOKEN_KEY] = True
    if files:
        extra[FILES_KEY] = True
        extra["requestBody"] = _multipart()
    responses = answered("Answer", example, plain, status) | (answers or {}) | PROBLEM
    return {"openapi_extra": extra, "responses": responses, "status_code": status, "name": name}


def answered(
    answer: str, example: dict[str, Any] | None = None, plain: str | None = None, status: int = 200
) -> dict[int | str, Any]:
    """Give the entry of `responses` for what is answered when all went well."""
    told: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{answer}"}}
    if plain is not None:
        told = {"schema": {"type": "string"}}
    if example is not None:
        told["example"] = {"ok": True, **example}
    return {status: {"description": "Done.", "content": {plain or "application/json": told}}}


def _key(*, required: bool) -> dict[str, Any]:
    return {
        "name": KEY_HEADER,
        "in": "header",
        "required": required,
        "schema": {"type": "string", "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "description": "Makes a repeated request safe: it is carried out once, and answered alike.",
    }


_MATCH = {
    "name": MATCH_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": r'^(\*|"[!#-~]*"(, ?"[!#-~]*"){0,9})$'},
    "description": "The version that you saw, as `ETag` told it: 412 where the thing has changed since.",
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
