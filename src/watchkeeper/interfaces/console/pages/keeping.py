"""What people keep of the console and show to others: saved views, read-only links, badges; and what a link shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from fastapi import Request, Response

from watchkeeper.domain.badges import BadgeStatus, Tone, read_name
from watchkeeper.domain.errors import NotFound, PermissionDenied, WatchkeeperError
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.keeping import ACTS
from watchkeeper.interfaces.console.badge_picture import drawn
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.i18n import choose, load_all
from watchkeeper.interfaces.console.pages import audit, incidents, job, reports
from watchkeeper.interfaces.console.visit import Visit

SHARED = "shared.html"
SHAREABLE: tuple[Page, ...] = (
    *reports.FAMILY.pages,
    *audit.FAMILY.pages,
    *job.FAMILY.pages,
    *(page for page in incidents.FAMILY.pages if page.handler is incidents.incident),
)
"""What a link may show: reports, the trail, one job, and one incident."""

CACHE_SECONDS = 60
LANGUAGES = load_all()


async def views(ground: Ground, visit: Visit) -> View:
    """Show what is kept in a project; `of` is the page that a visitor comes from."""
    scope = await ground.scope(visit)
    facts: Row = {"scope": scope, "project_id": scope.project_id, "of": _of(visit), "views": []}
    facts |= {"shares": [], "badges": {}, "is_shareable": False}
    if (project := scope.project_id) is None:
        return View("keeping/views.html", facts)
    keeping = ground.app.watchdog.reporting
    facts["views"] = await keeping.views.list(project, visit.known)
    if visit.may(Right.OPERATE):
        facts |= {"shares": await keeping.shares.list(project), "badges": await keeping.badges.paths(project)}
        facts["is_shareable"] = facts["of"] is not None and page_of(facts["of"].path) is not None
    return View("keeping/views.html", facts)


def _of(visit: Visit) -> PageAddress | None:
    try:
        return PageAddress.parse(visit.asked("of") or "")
    except WatchkeeperError:
        return None


async def shared(ground: Ground, visit: Visit) -> View:
    """Show the page of a link, as a viewer of its project: without ways on, and without acts.

    Whatever is wrong with the link, it says the same.
    """
    opened = await ground.app.watchdog.reporting.shares.open(visit.request.path_params["token"])
    found = page_of(opened.address.path)
    if found is None:
        raise NotFound("this page is not shown by links")
    page, parts = found
    if not opened.principal.may(page.right):
        raise PermissionDenied
    scope = {
        **visit.request.scope,
        "path": opened.address.path,
        "query_string": opened.address.query.encode(),
        "path_params": parts,
        "headers": [],
    }
    seen = replace(visit, request=Request(scope), principal=opened.principal)
    answer = await page.handler(ground, seen)
    if isinstance(answer, Response):
        raise NotFound("this page is not shown by links")
    facts = {**answer.facts, "shown_until": opened.expires_at}
    now = answer.now or await ground.now()
    return replace(answer, facts=facts, now=now, layout=SHARED, is_secret=True, seen=seen)


async def badge(ground: Ground, visit: Visit) -> Response:
    """Draw a badge. Where its word cannot be found out it is unknown, which no cache keeps."""
    name = visit.request.path_params["name"]
    code = visit.asked("lang") or choose({}, None)
    language, kept = LANGUAGES.get(code, visit.language), f"public, max-age={CACHE_SECONDS}"
    try:
        status = await ground.app.watchdog.reporting.badges.status(name)
    except NotFound:
        raise
    except WatchkeeperError:
        if (read := read_name(name)) is None:
            raise NotFound("there is no such badge") from None
        status, kept = BadgeStatus(read[1], Tone.UNKNOWN, "unknown"), "no-store"
    headers = {
        "Cache-Control": kept,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(drawn(status, language), 200, headers, "image/svg+xml; charset=utf-8")


def page_of(path: str) -> tuple[Page, Mapping[str, str]] | None:
    """Find the page that a path is, and the parts of its address; None for one that links do not show."""
    for page in SHAREABLE:
        if (match := _pattern(page.path).fullmatch(path)) is not None:
            return page, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(_pieces(path)))


def _pieces(path: str) -> Iterator[str]:
    for piece in re.split(r"(\{\w+\})", path):
        yield f"(?P<{piece[1:-1]}>[^/]+)" if piece.startswith("{") else re.escape(piece)


FAMILY = Family(
    "keeping",
    pages=(
        Page("/views", views),
        Page("/share/{token}", shared, is_open=True),
        Page("/badge/{name}.svg", badge, is_open=True),
    ),
    acts=ACTS,
)
