"""Coming in and going out: a one-time link or a pasted token, the session cookie, the same-origin check."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from watchkeeper.domain.errors import Conflict, Unauthenticated
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.interfaces.console.headers import HEADERS
from watchkeeper.services.identity import Identity
from watchkeeper.services.login_links import ConsoleSession, LoginLinks

SESSION_COOKIE = "watchkeeper_session"
MAX_CREDENTIAL_CHARS = 512
ACTING = "watchkeeper.console_acts"
"""A key of a request's scope, which nobody can send over the network: the console itself asks."""


class ForeignForm(Conflict):
    """This form was not sent by a page of this console."""

    hint = "Open the page anew and try again."


def demand_same_origin(request: Request) -> None:
    """Raise ForeignForm for a POST that no page of ours has sent.

    Sec-Fetch-Site decides where the browser sends it; else Origin must name the host asked. A request
    with neither is refused: every browser sends one of them with a form.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise ForeignForm
        return
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise ForeignForm


def own_path(text: str | None) -> str:
    """Give a path of this site to go on to; anything that could lead elsewhere becomes the overview."""
    # Browsers read "//host" and "/\host" as another site's address, and drop control characters inside.
    if not text or not text.startswith("/") or text[1:2] in ("/", "\\") or not text.isprintable():
        return "/"
    return text


async def login_by_token(identity: Identity, logins: LoginLinks, token: str) -> ConsoleSession:
    """Exchange a token for a session; raise Unauthenticated, or PermissionDenied where it may not read."""
    principal = await identity.authenticate(token)
    principal.demand(Right.READ)
    code = await logins.create_code(principal)
    return await logins.consume_code(code.code)


async def who(request: Request, logins: LoginLinks) -> Principal:
    """Find who visits by the session cookie; raise Unauthenticated."""
    if not (secret := request.cookies.get(SESSION_COOKIE)):
        raise Unauthenticated
    return await logins.authenticate_session(secret)


def is_acting(request: Request) -> bool:
    """Say whether the console itself asks the API, on behalf of who visits."""
    return request.scope.get(ACTING) is True


def go_to(path: str) -> Response:
    return RedirectResponse(path, 303, headers=HEADERS | {"Cache-Control": "no-store"})


def set_session(response: Response, request: Request, session: ConsoleSession) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        session.secret,
        expires=session.expires_at.astimezone(UTC),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def clear_session(response: Response, request: Request) -> None:
    response.delete_cookie(
        SESSION_COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
