"""Errors as problem+json (RFC 9457): the one place where an error becomes an HTTP answer."""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from watchkeeper.domain.errors import (
    HTTP_STATUS,
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    Unauthenticated,
    UsageError,
    WatchkeeperError,
)
from watchkeeper.domain.suggestions import shown
from watchkeeper.interfaces.api.answers import as_json
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.logs import log
from watchkeeper.services.idempotency import KeyReused

DATABASE_RETRY_SECONDS = 2
TRACEBACK_FRAMES = 30
MAX_INSTANCE_CHARS = 500
TYPE_PREFIX = "urn:watchkeeper:error:"
_PLACES = frozenset({"body", "query", "path", "header"})
_SHAPE = re.compile(r"\w+Body|list\[\w+\]")


class BodyTooLarge(UsageError):
    """The request's body is too large."""

    hint: ClassVar[str] = "Send large content as files of a job; split a bulk enqueue into several."


class NotJson(UsageError):
    """The request's body is not declared as JSON."""

    hint: ClassVar[str] = "Send 'Content-Type: application/json'."


class MethodNotAllowed(UsageError):
    """This address does not take that method."""

    hint: ClassVar[str] = "See /openapi.json for what it takes."


class Unforeseen(WatchkeeperError):
    """Something went wrong inside the server."""


SPECIAL_STATUS: dict[type[WatchkeeperError], int] = {
    BodyTooLarge: 413,
    NotJson: 415,
    MethodNotAllowed: 405,
    KeyReused: 422,
}
"""Errors of code `usage` whose HTTP status says more than 400 does."""


def status_of(error: WatchkeeperError) -> int:
    return SPECIAL_STATUS.get(type(error)) or HTTP_STATUS.get(error.code, 500)


def problem(error: WatchkeeperError, instance: str) -> dict[str, Any]:
    """Give the body: RFC 9457's members, and the contract's `ok` and `error`."""
    described: dict[str, Any] = {"code": error.code, "message": error.message, "hint": error.advice}
    if error.details:
        described["details"] = error.details
    return {
        "type": TYPE_PREFIX + error.code,
        "title": (type(error).__doc__ or error.code).strip().splitlines()[0],
        "status": status_of(error),
        "detail": error.message,
        "instance": instance,
        "code": error.code,
        "ok": False,
        "error": described,
    }


def refusal(error: Exception, request: Request) -> Response:
    """Turn any error into its answer, which shows no secret that the request held.

    What nobody foresaw is logged under an id, which alone is shown.
    """
    known = understood(error)
    if isinstance(known, MethodNotAllowed):
        known = MethodNotAllowed(allowed=_methods(request))
    redactor = state_of(request).app.redactor
    # Before it is quoted and cut: afterwards a secret in it looks like none.
    instance = quote(redactor.redact(request.scope["path"])[:MAX_INSTANCE_CHARS])
    body = redactor.redact_data(problem(known, instance))
    return as_json(body, status_of(known), _headers(known), "application/problem+json")


def _methods(request: Request) -> str:
    """Name the methods that the address takes, as the header Allow does: it may have a route for each."""
    found: set[str] = set()
    for route in state_of(request).routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= set(route.methods or ())
    return ", ".join(sorted(found))


def understood(error: Exception) -> WatchkeeperError:
    """Give the error as one of ours."""
    if isinstance(error, RequestValidationError):
        return UsageError(described(error.errors()))
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, WatchkeeperError) and type(error) is not WatchkeeperError:
        return error
    return _unforeseen(error)


def described(errors: Sequence[Any]) -> str:
    """Say in one line what is wrong with a request: the first three faults, each with its place."""
    lines = []
    for fault in errors[:3]:
        message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        place = ".".join(
            part for part in map(str, fault["loc"]) if part not in _PLACES and not _SHAPE.fullmatch(part)
        )
        given = fault.get("input")
        what = f" (given: {shown(given)})" if isinstance(given, str | int | float | bool) else ""
        lines.append(f"'{place}': {message}{what}" if place else f"the body: {message}")
    more = len(errors) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def install(api: FastAPI) -> None:
    """Let errors that arise outside of our own routes be answered alike."""
    for kind in (WatchkeeperError, RequestValidationError, HTTPException, Exception):
        api.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return refusal(error, request)


def _of_http(error: HTTPException) -> WatchkeeperError:
    match error.status_code:
        case 404:
            return NotFound("there is nothing at this address", hint="See /openapi.json for what there is.")
        case 405:
            return MethodNotAllowed()
        case 401:
            return Unauthenticated()
    return UsageError(str(error.detail)) if error.status_code < 500 else _unforeseen(error)


def _unforeseen(error: Exception) -> WatchkeeperError:
    incident = uuid4().hex
    trace = "".join(traceback.format_exception(error, limit=-TRACEBACK_FRAMES))
    log("internal_error", id=incident, error=type(error).__name__, detail=str(error), traceback=trace)
    return Unforeseen(
        hint=f"The server's log has it under the id {incident}.",
        id=incident,
    )


def _headers(error: WatchkeeperError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, DatabaseUnavailable):
        return {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    if isinstance(error, RateLimited):
        return {"Retry-After": str(max(1, math.ceil(error.details.get("retry_after", 1))))}
    if isinstance(error, MethodNotAllowed) and "allowed" in error.details:
        return {"Allow": error.details["allowed"]}
    return {}
