"""Coming in and going out: a one-time link or a pasted token, the session cookie, the same-origin check."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from watchkeeper.domain.errors import Conflict, Unauthenticated
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.interfaces.console.i18n import LANGUAGE_COOKIE
from watchkeeper.interfaces.console.rendering import HEADERS
from watchkeeper.services.identity import Identity
from watchkeeper.services.login_links import ConsoleSession, LoginLinks

SESSION_COOKIE = "watchkeeper_session"
LANGUAGE_COOKIE_SECONDS = 365 * 86_400
MAX_CREDENTIAL_CHARS = 512


def demand_same_origin(request: Request) -> None:
    """Raise Conflict for a POST that no page of ours has sent.

    Sec-Fetch-Site decides where the browser sends it; else Origin must name the host asked. A request
    with neither is refused: every browser sends one of them with a form.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Conflict
        return
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise Conflict


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


def set_language(response: Response, request: Request, code: str) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        code,
        max_age=LANGUAGE_COOKIE_SECONDS,
        samesite="lax",
        httponly=True,
        secure=request.url.scheme == "https",
    )
