"""Saved views, read-only links and badges over a real database: whose they are, and when they end."""

from __future__ import annotations

from uuid import uuid4

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import NotFound, PermissionDenied, UsageError
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.services.kept_answers import KeptAnswers

FAILED = PageAddress.parse("/jobs?state=failed&before=x&project=other")


def somebody(role: Role) -> Principal:
    return Principal(uuid4(), "p/lin", role, "p")


async def test_a_view_is_of_a_person_or_of_a_project(app: App) -> None:
    """A viewer's view is seen by nobody else; the project's by all, and is kept and removed by who operates it."""
    await app.kinds.ensure_project("p")
    views, lin, chen = app.watchdog.reporting.views, somebody(Role.VIEWER), somebody(Role.SUPERVISOR)
    own = await views.save("p", lin, "failed", FAILED, of_project=False)
    again = await views.save("p", lin, "failed", PageAddress.parse("/jobs?state=stuck"), of_project=False)
    assert (own["address"], again["id"]) == ("/jobs?state=failed", own["id"])
    with pytest.raises(PermissionDenied):
        await views.save("p", lin, "all", FAILED, of_project=True)
    shared = await views.save("p", chen, "failed", FAILED, of_project=True)
    assert [(view["of_project"], view["name"]) for view in await views.list("p", lin)] == [
        (True, "failed"),
        (False, "failed"),
    ]
    assert [view["id"] for view in await views.list("p", chen)] == [shared["id"]]
    with pytest.raises(PermissionDenied):
        await views.remove("p", lin, shared["id"], reason="unused")
    with pytest.raises(NotFound):
        await views.remove("p", chen, own["id"], reason="unused")
    await views.remove("p", lin, own["id"], reason="unused")
    await views.remove("p", chen, shared["id"], reason="unused")
    assert await views.list("p", lin) == []


@pytest.mark.parametrize(
    "address",
    [
        "//other.example",
        "https://other.example/",
        "/\\other",
        "/api/jobs",
        "/share/x",
        "/../etc",
        "/a\nb",
        "jobs",
    ],
)
def test_only_pages_of_the_console_can_be_kept(address: str) -> None:
    """An address that leads elsewhere, or to a door, is refused before it is kept."""
    with pytest.raises(UsageError):
        PageAddress.parse(address)


async def test_a_link_shows_its_page_until_it_ends(app: App, clock: MovingClock) -> None:
    """A link opens one page as a viewer of its project; it ends by time and by a word, and both are in the trail."""
    await app.kinds.ensure_project("p")
    shares = app.watchdog.reporting.shares
    made, token = await shares.make("p", FAILED, days=1, actor="principal:lin", reason="review")
    again, second = await shares.make("p", FAILED, days=9, actor="principal:lin", reason="review")
    for _ in range(3):
        shown = await shares.open(token)
    assert (str(shown.address), shown.principal.role, shown.principal.project_id) == (
        "/jobs?state=failed",
        Role.VIEWER,
        "p",
    )
    clock.advance(86_401)
    with pytest.raises(NotFound):
        await shares.open(token)
    await shares.open(second)
    await shares.revoke("p", again["id"], actor="principal:chen", reason="done")
    with pytest.raises(NotFound):
        await shares.open(second)
    with pytest.raises(NotFound):
        await shares.revoke("q", made["id"], actor="principal:chen", reason="done")
    assert {row["id"]: row["state"] for row in await shares.list("p")} == {
        made["id"]: "expired",
        again["id"]: "revoked",
    }
    trail = "SELECT event FROM watchkeeper.audit_events WHERE event LIKE 'share%' ORDER BY seq"
    assert [row["event"] for row in await rows(app.database, trail)] == [
        *["share_link_made"] * 2,
        *["share_link_opened"] * 2,
        "share_link_revoked",
    ]
    kept = await rows(app.database, "SELECT l::text AS said FROM watchkeeper.share_links l")
    assert not any(token in row["said"] or second in row["said"] for row in kept)


async def test_a_badge_is_green_only_by_what_is_known(app: App, clock: MovingClock) -> None:
    """Without a watchdog the state is unknown; with one it is well; an address that was not given out shows nothing."""
    await app.kinds.ensure_project("p")
    badges = app.watchdog.reporting.badges
    paths = await badges.paths("p")
    names = {kind: path.removeprefix("/badge/").removesuffix(".svg") for kind, path in paths.items()}
    assert {kind: (await badges.status(name)).tone for kind, name in names.items()} == {
        "state": "unknown",
        "slo": "unknown",
        "stages": "unknown",
        "maturity": "plain",
    }
    badges._kept = KeptAnswers(0.0)  # as after half a minute
    await rows(app.database, "UPDATE watchkeeper.watchdog_state SET last_tick_at = watchkeeper.now()")
    assert (await badges.status(names["state"])).tone == "ok"
    for wrong in (names["state"][:-1], names["state"].partition(".")[0], "x", "é" * 40, names["slo"] + "0"):
        with pytest.raises(NotFound):
            await badges.status(wrong)
    await badges.renew("p", actor="principal:lin", reason="it was published")
    [named], _ = await app.audit_reading.page("p")
    await badges.renew("p", actor="principal:lin", reason="it was published")
    # Whoever keeps the address of a row finds it there still.
    assert (await app.audit_reading.row("p", named["row"]))["event"] == named["event"]
    badges._kept = KeptAnswers(0.0)
    with pytest.raises(NotFound):
        await badges.status(names["state"])
    assert await badges.paths("p") != paths
