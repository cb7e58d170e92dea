"""Versions over HTTP (RFC 9110, 8.8.3 and 13.1.1): `ETag` on single things, `If-Match` on what is done to them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.api.auth import Access, of_request
from watchkeeper.services.versions import ANY

MATCH_HEADER = "If-Match"
MAX_TAGS = 20
_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')

Inner = Callable[[Request], Awaitable[Response]]


def wanted(request: Request) -> list[str] | None:
    """Give the versions that a request names; None where it names none. Raises UsageError for what is no tag."""
    lines = request.headers.getlist(MATCH_HEADER)
    if not lines:
        return None
    given = [part.strip() for part in ",".join(lines).split(",")]
    if given == [ANY]:
        return [ANY]
    tags = [_TAG.fullmatch(tag.removeprefix("W/")) for tag in given[: MAX_TAGS + 1]]
    if len(tags) > MAX_TAGS or None in tags:
        raise UsageError(
            f"{MATCH_HEADER} holds entity tags in double quotes, or *", hint="Send what the header ETag said."
        )
    # A weak tag matches nothing here: it does not say that this is the very thing.
    return [tag[1] for tag, text in zip(tags, given, strict=False) if tag and not text.startswith("W/")]


async def tagged(what: str, request: Request, access: Access, inner: Inner) -> Response:
    """Answer with the thing's version as ETag; it is read first, so that it is never newer than what is shown."""
    version = await access.app.versions.of(await of_request(access, request).project(), what, named(request))
    response = await inner(request)
    if version is not None and response.status_code == 200:
        response.headers["ETag"] = f'"{version}"'
    return response


def matching(what: str, tags: list[str], access: Access, inner: Inner) -> Inner:
    """Give the act that first demands one of these versions of the thing."""

    async def act(request: Request) -> Response:
        await access.app.versions.demand(
            await of_request(access, request).project(), what, named(request), tags
        )
        return await inner(request)

    return act


def named(request: Request) -> str:
    """Give the thing that the address names: its only parameter."""
    return str(next(iter(request.path_params.values())))
