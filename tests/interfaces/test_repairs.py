"""Repairs as callers of the API and the command line meet them."""

from __future__ import annotations

from typing import Any

from interfaces.api_client import Api
from watchkeeper.domain.rules.catalogue import RULES

PATH = "/api/watchdog/repair-actions"


async def running(api: Api) -> dict[str, Any]:
    await api.declare("report", on_lost="requeue")
    return await api.claimed("report")


async def test_a_worker_suggests_a_supervisor_approves_and_an_owner_undoes(api: Api) -> None:
    """The whole way of a repair, with a dry run of each act that changes nothing."""
    job = await running(api)
    wish = {"action": "release", "job": job["id"], "reason": "it hangs"}
    planned = await api.post(PATH, {**wish, "dry_run": True}, role="worker")
    assert (planned.status, planned.body["repair"]["plan"]["authority"]) == (200, "supervisor")
    assert (await api.get(PATH)).body["repairs"] == []
    repair = (await api.post(PATH, wish, role="worker")).body["repair"]
    assert (repair["state"], repair["note"]) == ("proposed", "waits for the word of a supervisor")
    assert (await api.post(f"{PATH}/{repair['id']}/approve", {"reason": "y"}, role="worker")).status == 403
    one = f"{PATH}/{repair['id']}"
    said = {"reason": "yes", "plan_digest": repair["plan_digest"]}
    tried = (await api.post(f"{one}/approve", {**said, "dry_run": True}, role="supervisor")).body["repair"]
    assert (tried["state"], tried["new_state"]["state"]) == ("succeeded", "pending")
    assert (await api.get(one)).body["repair"]["state"] == "proposed"
    done = (await api.post(f"{one}/approve", said, role="supervisor")).body["repair"]
    assert (done["state"], done["approvals"][0]["decision"]) == ("succeeded", "approved")
    undone = (await api.post(f"{one}/rollback", {"reason": "a mistake"})).body["repair"]
    assert (undone["state"], undone["result"]) == ("rolled_back", "success")
    again = await api.post(f"{one}/rollback", {"reason": "a mistake"})
    assert (again.status, again.code) == (409, "conflict")
    assert [row["id"] for row in (await api.get(PATH, params={"state": "rolled_back"})).body["repairs"]] == [
        repair["id"]
    ]


async def test_a_repair_names_exactly_one_target(api: Api) -> None:
    """Nothing named is an error and never means all; nor do two names."""
    job = await running(api)
    for named in ({}, {"worker": "w1"}, {"job": job["id"], "worker": "w1"}):
        asked = await api.post(PATH, {"action": "release", "reason": "r", **named})
        assert (asked.status, asked.code) == (400, "usage"), named


async def test_the_policy_says_how_far_each_rule_may_go(api: Api) -> None:
    """Every rule with its mode; the switches, with reasons for the whole; no breaker that never tripped."""
    told = (await api.get("/api/policy")).body
    assert {rule["rule"]: rule["mode"] for rule in told["rules"]} == dict.fromkeys(RULES, "auto")
    assert told["switches"] == [{"name": "actions", "is_on": True}, {"name": "claims", "is_on": True}]
    await api.app.kinds.set_switch("claims", is_on=False, actor="t", reason="theirs alone")
    whole = (await api.get("/api/policy?project=p", token=await api.token("viewer", None))).body
    assert [(row["name"], row["reason"]) for row in whole["switches"]][1] == ("claims", "theirs alone")
    assert "theirs alone" not in str((await api.get("/api/policy")).body)
    reset = await api.post("/api/policy/breakers/lease_expired/reset", {"waiting": "drop", "reason": "r"})
    assert (reset.status, reset.code) == (404, "not_found")


async def test_what_is_asked_of_a_holder_rides_on_its_answers(api: Api) -> None:
    """Touch and the job's progress name the repair until its incident is over; others hear nothing of it."""
    job, other = await api.claimed(), await api.claimed("other", "w2")
    event = {"rule": "complete_rejected", "cause": "refused_once", "job": job["id"], "worker_id": "w1"}
    await api.post("/api/watchdog/incidents", event, role="supervisor")
    await api.app.watchdog.repair.run_once()
    [asked] = (await api.worker("touch")).body["requested"]
    assert (asked["action"], asked["job"], asked["due_at"] is not None) == (
        "repair_contract",
        job["id"],
        True,
    )
    said = {"message": "on it", "phase": "build"}
    assert (await api.command("progress", job, **said)).body["requested"] == [asked]
    assert (await api.command("progress", other, **said)).body["requested"] == []
    assert (await api.worker("touch", "w2")).body["requested"] == []
    repair = (await api.get(f"/api/watchdog/repair-actions/{asked['repair']}")).body["repair"]
    assert repair["state"] == "executing"
