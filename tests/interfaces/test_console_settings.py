"""Settings: every tab in both languages and for each role; letting others in, once; one's own logins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from interfaces.console_project import ConsoleProject, fill
from interfaces.console_visitor import Visitor, form_of, visiting
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings

TABS = ["/settings", "/settings/tokens", "/settings/policy", "/settings/late", "/settings/config"]


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Visitor]:
    async with visiting(app) as visitor:
        yield visitor


@pytest.fixture
async def project(app: App, settings: Settings) -> ConsoleProject:
    """The project `p` with a job in every state."""
    return await fill(app, str(settings.database_url))


async def test_each_tab_is_for_who_may_see_it(visitor: Visitor, project: ConsoleProject) -> None:
    """An owner of the whole sees all of them, in both languages; others are told that their role ends here."""
    await visitor.log_in(Role.OWNER, None, "lin")
    for language in ("en", "zh-TW"):
        visitor.speak(language)
        assert [(await visitor.get(path)).status for path in TABS] == [200] * 5
    await visitor.log_in(Role.OWNER)
    assert [(await visitor.get(path)).status for path in TABS] == [200, 200, 200, 200, 403]
    assert "lin" not in (await visitor.get("/settings/tokens")).words
    await visitor.log_in(Role.VIEWER)
    assert [(await visitor.get(path)).status for path in TABS] == [200, 403, 200, 200, 403]
    assert "/acts/switch" not in (await visitor.get("/settings/policy")).text


async def test_a_token_is_shown_once_then_revoked(visitor: Visitor, project: ConsoleProject) -> None:
    """Its secret stands on one page, which no browser keeps; asked for again it is not told."""
    await visitor.log_in(Role.OWNER)
    form = form_of(await visitor.get("/acts/token-create"), "token-create")
    asked = {**form, "name": "w9", "role": "worker", "lifetime_seconds": "1.5"}
    made = await visitor.post("/acts/token-create", **asked)
    assert made.headers["cache-control"] == "no-store"
    (secret,) = (word for word in made.words.split() if word.startswith("wkw_"))
    assert (await visitor.app.identity.authenticate(secret)).name == "p/w9"
    again = await visitor.post("/acts/token-create", **asked)
    assert again.status == 409
    assert secret not in again.text
    tokens, _ = await visitor.app.identity.list_tokens("p")
    (token,) = (row for row in tokens if row["name"] == "w9")
    assert round((token["expires_at"] - token["created_at"]).total_seconds()) == 129_600
    page = await visitor.get(f"/acts/token-revoke?token_id={token['id']}&next=/settings/tokens")
    assert (
        await visitor.post("/acts/token-revoke", **form_of(page, "token-revoke"), reason="gone")
    ).status == 303
    assert "Token revoked" in (await visitor.get("/settings/tokens")).words


async def test_a_person_without_a_terminal_gets_in(
    app: App, visitor: Visitor, project: ConsoleProject
) -> None:
    """An owner makes a link for another person, who is logged in by it, once, in a role of their own."""
    await visitor.log_in(Role.OWNER)
    form = form_of(await visitor.get("/acts/login-invite"), "login-invite")
    made = await visitor.post("/acts/login-invite", **form, name="wu", role="supervisor", hours="2")
    (link,) = (word for word in made.words.split() if "/login?code=" in word)
    async with visiting(app) as guest:
        parts = urlsplit(link)
        page = await guest.get(f"{parts.path}?{parts.query}")
        assert "Sign in" in page.words
        code = parts.query.removeprefix("code=")
        assert (await guest.post("/login", code=code)).status == 303
        me = await guest.get("/settings")
        assert "p/wu" in me.words
        assert "supervisor" in me.words
        assert (await guest.post("/login", code=code)).status == 401
        tokens, _ = await app.identity.list_tokens("p")
        (token,) = (row for row in tokens if row["name"] == "wu")
        await app.identity.revoke(token["id"], "p", actor="test", reason="gone")
        assert (await guest.get("/settings")).status == 303


async def test_one_ends_ones_other_logins(app: App, visitor: Visitor, project: ConsoleProject) -> None:
    """Each browser is listed; one that is lost is ended from another; those of others are not there."""
    await visitor.log_in(Role.VIEWER)
    async with visiting(app) as lost:
        await lost.log_in(Role.VIEWER)
        page = await visitor.get("/settings")
        assert "this browser" in page.words
        links = [link for link in page.attributes("a", "href") if link.startswith("/acts/session-end")]
        assert len(links) == 2
        # This browser stands first.
        form = form_of(await visitor.get(links[1]), "session-end")
        assert (await visitor.post("/acts/session-end", **form, reason="lost")).status == 303
        assert (await lost.get("/settings")).status == 303
    assert (await visitor.get("/settings")).status == 200
    assert (await visitor.get("/acts/session-end?session=0000000000000000")).status == 404


async def test_switches_and_breakers_stand_with_the_policy(visitor: Visitor, project: ConsoleProject) -> None:
    """An owner of the whole turns claims off and on again; who turned it is told."""
    await visitor.log_in(Role.OWNER, None, "lin")
    form = form_of(await visitor.get("/acts/switch-off?name=claims&next=/settings/policy"), "switch-off")
    assert (await visitor.post("/acts/switch-off", **form, reason="disk full")).status == 303
    page = await visitor.get("/settings/policy")
    assert "disk full" in page.words
    assert (await visitor.post("/acts/switch-on", **form_of(page, "switch-on"))).status == 303
    switches = (await visitor.app.watchdog.brakes.in_force("p", of_whole=True))["switches"]
    assert all(row["is_on"] for row in switches)
