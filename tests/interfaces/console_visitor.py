"""A visitor of the console without a browser, who holds every page to the rules of all pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.console import add_console, session_reader
from watchkeeper.services.failed_logins import LoginPatience

ORIGIN = "http://console.test"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PATIENT = LoginPatience(free_failures=10_000)
PAGE_BYTES = 100 * 1024
"""With the style and the script a page stays below 150 kB."""
VOID = frozenset({"img", "meta", "link", "input", "br", "path", "rect", "circle", "use"})


@dataclass
class Page:
    """One answer, read as HTML."""

    status: int
    text: str
    headers: httpx2.Headers
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: str = ""

    def attributes(self, tag: str, name: str) -> list[str]:
        return [
            value for found, given in self.tags if found == tag and (value := given.get(name)) is not None
        ]


class _Reader(HTMLParser):
    """Reads a page; an unclosed or wrongly closed tag is a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        assert not (self.open and self.open[-1] in ("script", "style") and data.strip()), "inline code"
        self.pieces.append(data)


def read(response: httpx2.Response) -> Page:
    """Read an answer and hold it to what every page promises."""
    page = Page(response.status_code, response.text, response.headers)
    if "text/html" not in response.headers.get("content-type", ""):
        return page
    reader = _Reader()
    reader.feed(page.text)
    reader.close()
    assert not reader.open, f"never closed: {reader.open}"
    page.tags = reader.tags
    page.words = " ".join(" ".join(reader.pieces).split())
    _hold_to_rules(page)
    return page


def _hold_to_rules(page: Page) -> None:
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    for tag, given in page.tags:
        assert tag != "style"
        assert tag != "script" or given.get("src"), "inline script"
        assert not [name for name in given if name == "style" or name.startswith("on")], (
            f"inline code on <{tag}>"
        )
        assert tag not in ("input", "select") or given.get("type") == "hidden" or "label" in page.text
        named = given.get("role") in ("img", "group") and (
            given.get("aria-label") or given.get("aria-labelledby")
        )
        assert tag != "svg" or given.get("aria-hidden") == "true" or named, "a picture without a name"
        assert not (given.get("href") or "").lower().startswith(("javascript:", "data:"))
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids)), "an id stands twice"
    for _, given in page.tags:
        if (name := given.get("aria-labelledby")) is not None:
            assert name in ids
    size = len(page.text.encode())
    assert size <= PAGE_BYTES, f"a page of {size} bytes"


def form_of(page: Page, act: str) -> dict[str, str]:
    """Read what the form of an act would send as it stands."""
    _, _, after = page.text.partition(f'action="/acts/{act}"')
    lines, _, _ = after.partition("</form>")
    inputs = [dict(given) for tag, given in page.tags if tag == "input"]
    return {
        str(given["name"]): str(given.get("value") or "")
        for given in inputs
        if given.get("type") == "hidden" and f'name="{given["name"]}"' in lines
    }


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    app: App
    http: httpx2.AsyncClient

    async def get(self, path: str, **headers: str) -> Page:
        return read(
            await self.http.get(path, headers={name.replace("_", "-"): h for name, h in headers.items()})
        )

    async def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Page:
        sent = SAME_ORIGIN if headers is None else headers
        return read(await self.http.post(path, data=form, headers=sent))

    async def log_in(self, role: Role = Role.VIEWER, project: str | None = "p", name: str = "chen") -> None:
        token = await self.app.identity.create_token(name, role, project, actor="test")
        page = await self.post("/login", token=token.secret)
        assert page.status == 303

    def speak(self, language: str) -> None:
        self.http.headers["Accept-Language"] = language


@asynccontextmanager
async def visiting(
    app: App, origin: str = ORIGIN, patience: LoginPatience = PATIENT
) -> AsyncIterator[Visitor]:
    """Serve API and console as `serve` does, in this process, to one visitor."""
    api = create_app(app, limits=ApiLimits(logins=patience), session=session_reader(app))
    add_console(api, app, api.state.watchkeeper.failed_logins)
    transport = httpx2.ASGITransport(app=api)
    async with httpx2.AsyncClient(transport=transport, base_url=origin) as http:
        yield Visitor(app, http)
