"""Agent sessions under the watchdog: what supervisors tell becomes incidents and requests, and ends by their word."""

from __future__ import annotations

from typing import Any

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.repaired import Shop
from services.watched import look_after, open_incidents, open_rules, watchdog
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.interfaces.api.session_bodies import SessionBody
from watchkeeper.services.contract import Failure
from watchkeeper.services.holding import Caller
from watchkeeper.services.repairs.desk import Wish

STALLED = {
    "failure": "F02",
    "action": "interrupt_resume",
    "because": "nothing has come",
    "evidence": {"since": 1},
}
WELL = {"failure": None, "action": "none"}


class Supervisor:
    """Tells of one job's session as the supervisor that holds it, and hears what it is asked."""

    def __init__(self, app: App, principal: Principal, job: ClaimedJob) -> None:
        self._app, self._job = app, job
        self._caller = Caller(principal, "p", str(job.token))

    async def tell(self, **said: Any) -> None:
        body = SessionBody.model_validate({"agent": "codex", **said})
        await self._app.sessions.recording.tell(self._caller, self._job.id, 1, body.said())

    async def says(self, number: int = 1, said: str = "said", **fields: Any) -> None:
        event = {"n": number, "t": 1.0, "source": "stdout", "event": said, "fields": fields}
        await self._app.sessions.recording.tell_events(
            self._caller, self._job.id, 1, [event], dropped=0, silent_seconds=0.0
        )

    async def asked(self, *names: str) -> list[dict[str, Any]]:
        answer = await self._app.claims.renew("p", "w", [(self._job.id, str(self._job.token))])
        wanted = names or ("action", "session", "insists")
        return [{name: one[name] for name in wanted} for one in answer["session_requests"]]


async def working(app: App, shop: Shop, agent: str = "codex", **declared: Any) -> Supervisor:
    job = await shop.running(**declared)
    made = Supervisor(app, await shop.person("host", Role.WORKER), job)
    await made.tell(agent=agent, state="running", turns=1)
    return made


async def one_session(app: App) -> str:
    [row] = await rows(app.database, "SELECT id FROM watchkeeper.agent_sessions")
    return str(row["id"])


async def repairs(app: App) -> list[tuple[str, str, str]]:
    found = await rows(
        app.database,
        "SELECT action, state, new_state->>'seen' AS seen FROM watchkeeper.repair_actions ORDER BY id",
    )
    return [(row["action"], row["state"], row["seen"]) for row in found]


async def test_a_stalled_session_is_interrupted_by_its_supervisor(app: App, clock: MovingClock) -> None:
    """One incident, one request that comes until it is answered, and an end by the session's own word."""
    shop = Shop(app)
    supervisor = await working(app, shop)
    await supervisor.tell(diagnosis={**STALLED, "action": "none"})
    assert await look_after(app, clock, 1) == [], "what is only observed is no incident"
    await supervisor.tell(diagnosis=STALLED)
    assert await look_after(app, clock, 1) == ["session_stalled"]
    [incident] = await open_incidents(app)
    assert (incident["cause"], incident["evidence"]["because"]) == ("F02", "nothing has come")
    await shop.run()
    await shop.run()
    request = {"action": "interrupt_session", "session": 1, "insists": False}
    assert await supervisor.asked() == await supervisor.asked() == [request]
    clock.advance(1)
    await supervisor.tell(interrupted=True, turns=2, restarts=1)
    assert await supervisor.asked() == []
    await shop.run()
    assert await repairs(app) == [("interrupt_session", "succeeded", "the session was interrupted")]
    assert await look_after(app, clock, 1) == ["session_stalled"], "the next turn must show that it goes on"
    await supervisor.says()
    await supervisor.tell(diagnosis=WELL)
    assert await look_after(app, clock, 1) == []


async def test_a_request_for_a_turn_that_is_over_is_not_handed_out(app: App, clock: MovingClock) -> None:
    """The supervisor was faster, or the session goes on by itself: nobody interrupts what is well again."""
    shop = Shop(app)
    supervisor = await working(app, shop)
    await supervisor.tell(diagnosis=STALLED)
    await look_after(app, clock, 1)
    await shop.run()
    await shop.run()
    clock.advance(1)
    await supervisor.tell(turns=2, diagnosis=WELL)
    assert await supervisor.asked() == []
    await supervisor.says()
    await shop.run()
    assert await repairs(app) == [("interrupt_session", "succeeded", "the session went on by itself")]


async def test_a_person_has_a_turn_cut_by_hand(app: App, clock: MovingClock) -> None:
    """A supervisor's word is done at once: whoever holds the session is asked, and told why; recorded, and seen to."""
    shop = Shop(app)
    supervisor, by = await working(app, shop), await shop.person("lin", Role.SUPERVISOR)
    session = await one_session(app)

    async def interrupted() -> dict[str, Any]:
        wish = Wish(RepairAction.INTERRUPT_SESSION, "it goes the wrong way", session=session)
        return await app.watchdog.repairs.carry_out("p", wish, by)

    repair = await interrupted()
    assert (repair["state"], repair["trigger"], repair["worker_id"]) == ("executing", "asked", "w")
    assert await supervisor.asked("insists", "reason") == [
        {"insists": True, "reason": "it goes the wrong way"}
    ]
    clock.advance(1)
    await supervisor.tell(interrupted=True, turns=2)
    await shop.run()
    assert await repairs(app) == [("interrupt_session", "succeeded", "the session was interrupted")]
    trail = await rows(
        app.database,
        "SELECT event, actor, data->>'repair_id' AS repair FROM watchkeeper.audit_events WHERE actor = %(by)s",
        {"by": by.actor},
    )
    assert [row["event"] for row in trail] == ["repair_proposed", "repair_started"]
    assert {row["repair"] for row in trail} == {str(repair["id"])}
    await supervisor.tell(ended=True)
    with pytest.raises(Conflict, match="has ended"):
        await interrupted()


async def test_a_plain_command_has_no_turn_to_cut(app: App) -> None:
    """It has no thread that could go on: its job can be cancelled."""
    shop = Shop(app)
    await working(app, shop, agent="command")
    wish = Wish(RepairAction.INTERRUPT_SESSION, "enough", session=await one_session(app))
    with pytest.raises(Conflict, match="plain command"):
        await app.watchdog.repairs.carry_out("p", wish, await shop.person("lin", Role.SUPERVISOR))


async def test_nobody_tells_of_a_session_any_more(app: App, clock: MovingClock) -> None:
    """A supervisor that died: found by silence while its lease lives, and over when the job runs elsewhere."""
    shop = Shop(app)
    supervisor = await working(app, shop, lease_seconds=3600)
    clock.advance(400)
    assert await supervisor.asked() == [], "its lease is renewed all the while"
    assert await look_after(app, clock, 259) == []
    assert await look_after(app, clock, 30) == ["session_stalled"]
    [incident] = [one for one in await open_incidents(app) if one["rule"] == "session_stalled"]
    assert incident["cause"] == "supervisor_silent"
    await supervisor.says()
    await watchdog(app).run_once()
    assert "session_stalled" not in await open_rules(app)
    clock.advance(10_000)
    await rows(app.database, "DELETE FROM watchkeeper.leases")
    await watchdog(app).run_once()
    assert "session_stalled" not in await open_rules(app), (
        "of a job that does not run under it, other rules tell"
    )


async def test_a_refused_login_is_an_incident_until_a_turn_goes_well(app: App, clock: MovingClock) -> None:
    """It names what to do, outlives the session, and is closed by a later good turn of the same worker alone."""
    shop = Shop(app)
    supervisor = await working(app, shop)
    evidence = {"trouble": "auth", "text": "401", "to_do": "codex login"}
    refused = {"failure": "F04", "action": "park", "because": "refused for good", "evidence": evidence}
    await supervisor.tell(diagnosis=refused, ended=True)
    assert await look_after(app, clock, 1) == ["doctor_failed"]
    [incident] = await open_incidents(app)
    assert (incident["cause"], incident["evidence"]["to_do"]) == ("login_refused", "codex login")
    clock.advance(5)
    await supervisor.says()
    assert await look_after(app, clock, 1) == ["doctor_failed"], "words alone show nothing"
    await supervisor.says(2, "turn_ended", ok=True)
    assert await look_after(app, clock, 1) == []


async def test_what_a_session_used_up_and_what_it_left(app: App, clock: MovingClock) -> None:
    """Tokens over the kind's limit, a loop, processes that no sweep could prove: each its rule, each its own end."""
    shop = Shop(app)
    supervisor = await working(app, shop, tokens_limit=1000, lease_seconds=3600)
    await supervisor.tell(tokens=1000)
    assert await look_after(app, clock, 1) == []
    await supervisor.tell(tokens=1001, diagnosis={**STALLED, "failure": "F15"})
    assert await look_after(app, clock, 1) == ["token_budget_exceeded", "tool_loop"]
    left = [{"pid": 90, "command": "chrome", "why": "another user"}]
    await supervisor.tell(ended=True, left=left)
    assert await look_after(app, clock, 1) == ["session_orphaned", "token_budget_exceeded"]
    await shop.run()
    await shop.run()
    assert [one["action"] for one in await supervisor.asked()] == ["sweep_session"]
    clock.advance(1)
    await supervisor.tell(left=left)
    await shop.run()
    assert ("sweep_session", "executing", None) in await repairs(app), (
        "a sweep that left something is no success"
    )
    clock.advance(1)
    await supervisor.tell(left=[])
    await shop.run()
    assert ("sweep_session", "succeeded", "a sweep left nothing") in await repairs(app)
    assert await look_after(app, clock, 1) == ["token_budget_exceeded"]


async def test_a_job_that_fails_the_same_way_three_times_is_paused_until_a_person_resumes_it(
    app: App, clock: MovingClock
) -> None:
    """Twice is none; the third time the job is paused as a crash loop, and only a person lets it go on."""
    shop = Shop(app)
    job = await shop.running(max_attempts=10)
    host = await shop.person("host", Role.WORKER)
    for number in range(3):
        failure = Failure("fail", f"F02: silent, pid {number}", AttemptCause.AGENT_ERROR)
        await app.contract.end(Caller(host, "p", str(job.token)), job.id, failure)
        assert await look_after(app, clock, 1) == (["crash_loop"] if number == 2 else [])
        if number < 2:
            clock.advance(10_000)
            await app.maintenance.keep_time()
            [job] = await app.queue.claim("p", "w", ["k"], profile="runtime")
    await shop.run()
    await shop.run()
    found = await app.insights.job("p", job.id)
    assert (found["state"], found["state_reason"]) == ("paused", "crash_loop")
    assert await look_after(app, clock, 1) == ["crash_loop"]
    await app.operations.move("p", job.id, "resume", actor="ann", reason="the prompt was mended")
    assert await look_after(app, clock, 1) == []
