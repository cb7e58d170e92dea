"""Coming into the console and leaving it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from interfaces.console_visitor import ORIGIN, SAME_ORIGIN, Visitor, visiting
from moving_clock import MovingClock
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import RIGHTS, Role
from watchkeeper.services.failed_logins import LoginPatience
from watchkeeper.services.login_links import CODE_SECONDS, IDLE_SECONDS, SESSION_SECONDS, LoginLinks

FOREIGN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none", "Origin": ORIGIN},
    {"Origin": "http://evil.test"},
    {"Origin": "null"},
    {"Origin": "http://console.test.evil.test"},
]
"""What browsers send with a form of another site, and what no browser sends."""

NO_WAITING = LoginPatience(free_failures=3, delayed_at_once=0)
"""Whoever would have to wait is sent away at once."""

ELSEWHERE = ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "/\t/evil.test", "/a\r\nX: y"]


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def code(app: App) -> str:
    """A one-time login code of a viewer of `p`."""
    token = await app.identity.create_token("chen", Role.VIEWER, "p", actor="test")
    principal = await app.identity.authenticate(token.secret)
    return (await LoginLinks(app.database).create_code(principal)).code


async def test_strangers_are_asked_to_log_in(visitor: Visitor) -> None:
    """Without a session every page leads to the login, which leads back."""
    for path in ("/", "/jobs", "/jobs/x"):
        page = await visitor.get(path)
        assert page.status == 303
        assert page.headers["location"].startswith("/login")
        assert (await visitor.get(f"{path}?fragment=1")).status == 401


@pytest.mark.parametrize(("language", "button"), [("en", "Sign in"), ("zh-TW", "登入")])
async def test_a_login_link_shows_a_button_and_signs_in_once(
    visitor: Visitor, code: str, language: str, button: str
) -> None:
    """Opening the link changes nothing, so that previews do not use it up; the button uses it up."""
    visitor.speak(language)
    for _ in range(2):
        page = await visitor.get(f"/login?code={code}&next=/jobs")
        assert button in page.words
    page = await visitor.post("/login", code=code, next="/jobs")
    assert (page.status, page.headers["location"]) == (303, "/jobs")
    assert (await visitor.get("/jobs")).status == 200
    again = await visitor.post("/login", code=code)
    assert again.status == 401
    assert ("used already" if language == "en" else "已使用過") in again.words


async def test_a_login_link_expires(visitor: Visitor, code: str, clock: MovingClock) -> None:
    """After ten minutes a link is worth nothing, and the page says how to get a new one."""
    clock.advance(CODE_SECONDS + 1)
    page = await visitor.post("/login", code=code)
    assert page.status == 401
    assert "watchkeeper login" in page.words
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(("origin", "secure"), [(ORIGIN, False), ("https://console.test", True)])
async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(
    app: App, code: str, origin: str, secure: bool
) -> None:
    """HttpOnly, SameSite=Strict, and Secure where the console is reached by https."""
    async with visiting(app, origin) as visitor:
        cookie = (await visitor.post("/login", code=code)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert ("secure" in cookie) == secure


async def test_posts_from_elsewhere_are_refused(visitor: Visitor, code: str) -> None:
    """No other site can sign a person in or out."""
    for headers in FOREIGN:
        for path in ("/login", "/logout"):
            page = await visitor.post(path, headers, code=code)
            assert page.status == 409
            assert "did not come from the console" in page.words
    assert (await visitor.post("/login", {"Origin": ORIGIN}, code=code)).status == 303


async def test_a_token_can_be_pasted(visitor: Visitor) -> None:
    """Who has a token needs no link."""
    await visitor.log_in()
    assert "chen" in (await visitor.get("/")).words


@pytest.mark.parametrize(("language", "said"), [("en", "unknown, expired or revoked"), ("zh-TW", "不存在")])
async def test_a_wrong_token_is_refused(visitor: Visitor, language: str, said: str) -> None:
    """The form comes back and says why, whatever was typed."""
    visitor.speak(language)
    for token in ("", "wkv_none", "\N{SNOWMAN}", "a\0b", "x" * 600):
        page = await visitor.post("/login", token=token)
        assert page.status == 401
        assert said in page.words


async def test_a_worker_has_no_business_here(visitor: Visitor, app: App) -> None:
    """A worker's token opens no console, and the page says which token does."""
    token = await app.identity.create_token("w", Role.WORKER, "p", actor="test")
    page = await visitor.post("/login", token=token.secret)
    assert page.status == 401
    assert "viewer's token" in page.words


async def test_a_role_that_may_not_read_sees_no_page(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights are checked at every page, not only at the door."""
    await visitor.log_in()
    monkeypatch.setitem(RIGHTS, Role.VIEWER, frozenset())
    page = await visitor.get("/")
    assert page.status == 403
    assert "You may not see this" in page.words


async def test_guessing_is_slowed_down(app: App, code: str) -> None:
    """Who failed often waits, at this door and at the API's together; who has the right code comes in at once."""
    async with visiting(app, patience=NO_WAITING) as visitor:
        for _ in range(2):
            assert (await visitor.post("/login", token="wkv_guess")).status == 401
        guessed = await visitor.http.get("/api/jobs", headers={"Authorization": "Bearer wkv_guess"})
        assert guessed.status_code == 401
        page = await visitor.post("/login", token="wkv_guess")
        assert page.status == 429
        assert int(page.headers["retry-after"]) > 0
        assert (await visitor.post("/login", code=code)).status == 303


async def test_guesses_sent_side_by_side_are_bounded(app: App) -> None:
    """Many guesses at one moment are answered as many in turn are: the first few are told no, the others go away."""
    async with visiting(app, patience=NO_WAITING) as visitor:
        pages = await asyncio.gather(*(visitor.post("/login", token="wkv_guess") for _ in range(12)))
    assert sorted(page.status for page in pages) == [401] * 3 + [429] * 9


async def test_people_who_log_in_are_not_taken_for_guessers(app: App) -> None:
    """Logins that succeed cost an address no patience."""
    async with visiting(app, patience=NO_WAITING) as visitor:
        for number in range(5):
            await visitor.log_in(name=f"chen-{number}")
            assert (await visitor.get("/")).status == 200


async def test_a_link_used_twice_at_once_lets_one_in(visitor: Visitor, code: str) -> None:
    """Of five browsers that press the button at the same moment one is signed in."""
    pages = await asyncio.gather(*(visitor.post("/login", code=code) for _ in range(5)))
    assert sorted(page.status for page in pages) == [303] + [401] * 4


@pytest.mark.parametrize(("steps", "seconds"), [(1, IDLE_SECONDS), (8, SESSION_SECONDS / 8)])
async def test_a_session_ends_unused_and_ends_at_last(
    visitor: Visitor, clock: MovingClock, steps: int, seconds: float
) -> None:
    """A day without use ends a session; seven days end it however much it is used."""
    await visitor.log_in()
    for step in range(steps):
        clock.advance(seconds - 1)
        if step < steps - 1:
            assert (await visitor.get("/")).status == 200
    clock.advance(seconds if steps == 1 else steps + 1)
    assert (await visitor.get("/")).status == 303


@pytest.mark.parametrize("how", ["revoked", "rotated", "expired", "project deleted"])
async def test_a_session_ends_with_the_token_that_it_began_with(
    visitor: Visitor, clock: MovingClock, how: str
) -> None:
    """Whoever loses the token loses the browser's session and unused links too; other sessions go on."""
    app = visitor.app
    identity = app.identity
    token = await identity.create_token("lin", Role.VIEWER, "p", actor="test", lifetime_seconds=3600)
    asking = await identity.authenticate(token.secret)
    link = await app.login_links.create_code(asking)
    assert (await visitor.post("/login", token=token.secret)).status == 303
    match how:
        case "revoked":
            await identity.revoke(token.id, "p", actor="test", reason="left")
        case "rotated":
            rotated = {"actor": "test", "rotated_by": None, "reason": "leaked"}
            await identity.rotate(token.id, "p", overlap_seconds=60, **rotated)
            assert (await visitor.get("/")).status == 200
            clock.advance(61)
        case "expired":
            clock.advance(3601)
        case _:
            await app.kinds.delete_project("p", actor="test", reason="over")
    assert (await visitor.get("/")).status == 303
    assert (await visitor.post("/login", code=link.code)).status == 401


async def test_logout_ends_the_session(visitor: Visitor) -> None:
    """After leaving, the cookie is gone, and a kept copy of it opens nothing."""
    await visitor.log_in()
    kept = dict(visitor.http.cookies)
    page = await visitor.post("/logout")
    assert (page.status, page.headers["location"]) == (303, "/login")
    assert not visitor.http.cookies
    visitor.http.cookies.update(kept)
    assert (await visitor.get("/")).status == 303


async def test_login_leads_nowhere_else(visitor: Visitor) -> None:
    """What stands behind `next` can only be a path of the console."""
    token = await visitor.app.identity.create_token("mei", Role.VIEWER, "p", actor="test")
    for target in ELSEWHERE:
        page = await visitor.post("/login", token=token.secret, next=target)
        assert (page.status, page.headers["location"]) == (303, "/")
        switched = await visitor.http.get("/language", params={"to": "en", "next": target})
        assert switched.headers["location"] == "/"


async def test_a_large_or_strange_form_is_refused(visitor: Visitor) -> None:
    """Only a small form is read."""
    assert (await visitor.post("/login", token="x" * 40_000)).status == 400
    answer = await visitor.http.post("/login", json={"token": "x"}, headers=SAME_ORIGIN)
    assert answer.status_code == 400


async def test_a_link_from_a_chat_finds_the_session(visitor: Visitor) -> None:
    """A strict cookie does not come along from another site: the page asks once more, and only once."""
    page = await visitor.get("/jobs/x", Sec_Fetch_Site="cross-site")
    assert page.status == 200
    assert page.attributes("meta", "http-equiv") == ["refresh"]
    assert (await visitor.get("/jobs/x", Sec_Fetch_Site="same-origin")).status == 303


async def test_the_language_can_be_switched(visitor: Visitor) -> None:
    """A choice by hand wins over the browser's, stays, and leads back to the same page."""
    visitor.speak("zh-TW,zh;q=0.9,en;q=0.5")
    page = await visitor.get("/login?next=/jobs")
    assert page.attributes("html", "lang") == ["zh-Hant"]
    (link,) = page.attributes("a", "href")[-1:]
    switched = await visitor.get(link)
    assert (switched.status, switched.headers["location"]) == (303, "/login?next=%2Fjobs")
    assert (await visitor.get("/login")).attributes("html", "lang") == ["en"]


async def test_the_api_knows_the_console_session(visitor: Visitor) -> None:
    """The browser may read from the API with its session, and act on nothing with it."""
    assert (await visitor.http.get("/api/jobs")).status_code == 401
    await visitor.log_in()
    assert (await visitor.http.get("/api/jobs")).status_code == 200
    assert (await visitor.http.post("/api/jobs", json={"kind": "x"})).status_code == 401
