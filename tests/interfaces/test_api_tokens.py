"""Tokens and principals over HTTP: rotation with overlap, names that keep to their project, long lists."""

from __future__ import annotations

from typing import Any

import pytest

from interfaces.api_client import Api
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.domain.principals import PrincipalKind, Role

WHY = {"reason": "the laptop was lost"}


async def made(api: Api, **body: Any) -> dict[str, Any]:
    return dict((await api.post("/api/tokens", {"name": "bot", "role": "supervisor", **body})).body["token"])


async def works(api: Api, secret: str) -> bool:
    return (await api.get("/api/jobs", token=secret)).status == 200


async def test_a_rotated_token_lives_on_for_the_overlap(api: Api, clock: MovingClock) -> None:
    """Old and new work side by side for a day, then the new one alone: same principal, role and project."""
    old = await made(api)
    answered = await api.post(f"/api/tokens/{old['id']}/rotate", WHY)
    new = answered.body["token"]
    assert (answered.status, new["replaces"], new["principal"]) == (201, old["id"], "p/bot")
    assert (new["role"], new["project_id"], answered.body["own"]) == ("supervisor", "p", False)
    assert [await works(api, secret) for secret in (old["secret"], new["secret"])] == [True, True]
    clock.advance(86_401)
    assert [await works(api, secret) for secret in (old["secret"], new["secret"])] == [False, True]
    (event,) = await rows(
        api.app.database,
        "SELECT actor, reason, data FROM watchkeeper.audit_events WHERE event = 'token_rotated'",
    )
    assert (event["reason"], event["data"]["replaces"]) == (WHY["reason"], old["id"])


async def test_an_overlap_of_nothing_ends_the_old_token_at_once(api: Api) -> None:
    """After a leak there is no overlap; a token that ended has no successor, and job tokens have none."""
    old = await made(api)
    path = f"/api/tokens/{old['id']}/rotate"
    new = (await api.post(path, {**WHY, "overlap_seconds": 0})).body["token"]
    assert [await works(api, secret) for secret in (old["secret"], new["secret"])] == [False, True]
    assert (await api.post(path, WHY)).code == "not_found"
    for body in ({**WHY, "overlap_seconds": -1}, {**WHY, "overlap_seconds": 1e9}, {}):
        assert (await api.post(path, body)).code == "usage"
    job = await api.claimed()
    await api.post(f"/api/worker/jobs/{job['id']}/token", {}, role="worker", lease=job["lease_token"])
    (kept,) = await rows(api.app.database, "SELECT id FROM watchkeeper.tokens WHERE job_seq IS NOT NULL")
    assert (await api.post(f"/api/tokens/{kept['id']}/rotate", WHY)).code == "not_found"


async def test_a_rotation_gives_no_token_a_longer_life(api: Api, clock: MovingClock) -> None:
    """The successor lives as long as the old one was given; the overlap never outlives the old one's own end."""
    old = await made(api, lifetime_seconds=3600)
    clock.advance(1800)
    new = (await api.post(f"/api/tokens/{old['id']}/rotate", WHY)).body["token"]
    clock.advance(1801)
    assert [await works(api, secret) for secret in (old["secret"], new["secret"])] == [False, True]
    clock.advance(1800)
    assert await works(api, new["secret"]) is False


async def test_an_owner_rotates_the_token_in_use(api: Api) -> None:
    """`self` is the token that asks; a lost answer is made good by rotating once more under a new key."""
    token = await api.token("owner")
    first = await api.post("/api/tokens/self/rotate", WHY, key="once")
    assert first.body["own"] is True
    again = await api.post("/api/tokens/self/rotate", WHY, key="once")
    assert (again.code, "secret" in str(again.body["error"]["details"]["answer"]["token"])) == (
        "conflict",
        False,
    )
    second = (await api.post("/api/tokens/self/rotate", WHY, token=token)).body["token"]
    assert await works(api, second["secret"])


async def test_who_rotates_anothers_token_has_minted_the_new_one(api: Api) -> None:
    """Whoever saw a secret stands behind what is asked with it; rotating one's own changes nothing."""
    identity = api.app.identity
    await api.app.kinds.ensure_project("q")
    lin = await identity.create_token("lin", Role.OWNER, "p", actor="test")
    chen = await identity.create_token("chen", Role.OWNER, "p", actor="test")
    rotated = await api.post(f"/api/tokens/{chen.id}/rotate", WHY, token=lin.secret)
    asking = await identity.authenticate(rotated.body["token"]["secret"])
    assert (asking.name, asking.minted_by) == ("p/chen", (await identity.authenticate(lin.secret)).id)
    own = await api.post("/api/tokens/self/rotate", WHY, token=rotated.body["token"]["secret"])
    assert (await identity.authenticate(own.body["token"]["secret"])).minted_by == asking.minted_by
    theirs = await api.token("owner", "q")
    assert (await api.post(f"/api/tokens/{lin.id}/rotate", WHY, token=theirs)).code == "not_found"


async def test_a_projects_owner_makes_no_token_of_the_whole(api: Api) -> None:
    """Asked for outright it is refused, not narrowed in silence; left out, the project is the owner's own."""
    body = {"name": "wide", "role": "viewer"}
    refused = await api.post("/api/tokens", {**body, "project_id": None})
    assert (refused.status, refused.code) == (403, "permission_denied")
    assert (await api.post("/api/tokens", body)).body["token"]["project_id"] == "p"
    whole = await api.token("owner", None)
    made = await api.post("/api/tokens", {**body, "project_id": None}, token=whole)
    assert (made.status, made.body["token"]["project_id"]) == (201, None)


async def test_a_name_is_another_principal_in_each_project(api: Api) -> None:
    """A project's owner can speak in nobody else's name, and learns of no name that others use."""
    await api.app.kinds.ensure_project("q")
    whole = await api.app.identity.create_token("owner", Role.OWNER, None, actor="test")
    theirs = await api.token("owner", "q")
    secrets = [
        (await api.post("/api/tokens", {"name": "owner", "role": "owner"}, token=token)).body["token"][
            "secret"
        ]
        for token in (await api.token("owner"), theirs)
    ]
    principals = [await api.app.identity.authenticate(secret) for secret in (whole.secret, *secrets)]
    assert [principal.actor for principal in principals] == [
        "principal:owner",
        "principal:p/owner",
        "principal:q/owner",
    ]
    assert len({principal.id for principal in principals}) == 3
    for name in ("p/owner", "q/owner", "none/such"):
        answered = await api.post("/api/tokens", {"name": name, "role": "owner"}, token=theirs)
        assert (answered.status, answered.code) == (400, "usage")


async def test_an_unscoped_name_of_before_is_taken_over_by_nobody(api: Api) -> None:
    """A principal that only looks as if it were a project's own stays whose it is."""
    await rows(api.app.database, "INSERT INTO watchkeeper.principals (name, kind) VALUES ('p/lin', 'person')")
    answered = await api.post("/api/tokens", {"name": "lin", "role": "viewer"})
    assert (answered.status, answered.code) == (409, "conflict")


@pytest.mark.parametrize(("role", "usual"), [("worker", "agent"), ("viewer", "person")])
async def test_a_principal_is_a_person_a_service_or_an_agent(api: Api, role: str, usual: str) -> None:
    """The kind is chosen with the first token and stays; a worker is an agent unless said otherwise."""
    await made(api, name="a", role=role)
    await made(api, name="b", role=role, kind="service")
    await made(api, name="b", role=role)
    listed = (await api.get("/api/tokens")).body["tokens"]
    assert {(token["name"], token["principal"], token["kind"]) for token in listed} >= {
        ("a", "p/a", usual),
        ("b", "p/b", "service"),
    }
    other = next(kind for kind in PrincipalKind if kind not in (usual, "service"))
    answered = await api.post("/api/tokens", {"name": "b", "role": role, "kind": other.value})
    assert (answered.status, answered.code) == (409, "conflict")


LISTS = {
    "kinds": ("/api/kinds", {"name": "{}"}, "name"),
    "schedules": ("/api/schedules", {"name": "{}", "cron": "0 3 * * *", "kind": "report"}, "name"),
    "tokens": ("/api/tokens", {"name": "{}", "role": "viewer"}, "name"),
    "projects": ("/api/projects", {"project_id": "{}"}, "project_id"),
}


@pytest.mark.parametrize("what", LISTS)
async def test_a_long_list_is_read_page_by_page(api: Api, what: str) -> None:
    """`next_cursor` leads on without gaps or repeats; a page has at most 1,000 rows."""
    path, body, name = LISTS[what]
    whole = await api.token("owner", None)
    wanted = [f"n{number}" for number in range(5)]
    for word in wanted:
        sent = {key: value.replace("{}", word) for key, value in body.items()}
        assert (await api.post(f"{path}?project=p", sent, token=whole)).status < 300
    asked = path if what == "projects" else f"{path}?project=p"
    joint = "&" if "?" in asked else "?"
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        follow = f"&cursor={cursor}" if cursor else ""
        page = await api.get(f"{asked}{joint}limit=2{follow}", token=whole)
        assert len(page.body[what]) <= 2
        found += [row[name] for row in page.body[what]]
        cursor = page.body["next_cursor"]
    assert [word for word in found if word in wanted] == wanted
    assert len(found) == len(set(found))
    assert (await api.get(f"{asked}{joint}limit=1001", token=whole)).code == "usage"


async def test_tokens_of_the_installation_s_own_project_reach_no_further_than_it(api: Api) -> None:
    """They read and decide what is in `system`; switches, projects, other projects and jobs are beyond them."""
    whole = await api.token("owner", project=None)
    owner, supervisor = await api.token("owner", "system"), await api.token("supervisor", "system")
    mine, why = "?project=system", {"reason": "tried"}
    for token in (owner, supervisor):
        for path in ("/api/watchdog/incidents", "/api/proposals", "/api/audit"):
            assert (
                (await api.get(path, token=token)).status
                == (await api.get(path + mine, token=token)).status
                == 200
            )
            assert (await api.get(f"{path}?project=p", token=token)).status == 404
        refused = [
            await api.post("/api/switches/actions", {"on": False, **why}, token=token),
            await api.post("/api/projects", {"project_id": "more"}, token=token),
        ]
        assert [each.code for each in refused] == ["permission_denied", "permission_denied"]
        assert (await api.post("/api/jobs", {"kind": "k"}, token=token)).code == "usage"
    made = {"name": "kim", "role": "viewer"}
    assert (await api.post("/api/tokens", made, token=supervisor)).code == "permission_denied"
    named = await api.post("/api/tokens", made | {"project_id": "system"}, token=owner)
    assert named.status in (200, 201)
    assert (await api.post("/api/tokens", made | {"project_id": "p"}, token=owner)).status in (403, 404)
    assert (await api.post("/api/tokens", made | {"role": "worker"}, token=owner)).code == "usage"
    assert (await api.post("/api/switches/actions", {"on": False, **why}, token=whole)).status == 200
