"""The supervisor's record of a session, told to a real server: late, twice, by a second supervisor, or never."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from interfaces.api_client import Api
from raw_sql import rows
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import Began, Said, Spent, TurnBegan, TurnEnded, Unknown
from watchkeeper.services.supervision.session_records import ServerRecords


class Line(httpx2.BaseTransport):
    """Carries what a supervisor sends to the server of this test; `away` answers nothing, `lost` loses answers."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self.away = self.lost = False

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("nobody is there")
        sent = self._api.http.request(
            request.method, str(request.url), headers=request.headers, content=request.read()
        )
        response = asyncio.run_coroutine_threadsafe(sent, self._loop).result(30)
        if self.lost:
            raise httpx2.ReadTimeout("the answer was lost")
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)


async def told(api: Api, job: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    [row] = (await api.get(f"/api/sessions?job={job['id']}")).body["sessions"]
    session = (await api.get(f"/api/sessions/{row['id']}")).body["session"]
    return session, (await api.get(f"/api/sessions/{row['id']}/events")).body["events"]


async def test_a_session_is_told_once_whatever_the_line_does(api: Api) -> None:
    """The server away, an answer lost, another supervisor that goes on: each event stands once and in its order."""
    job = await api.claimed(worker="host-1")
    line = Line(api)
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=line)
    log = records.begin(job, job["lease_token"], {"agent": "codex", "version": "0.169.0", "moon": 7})
    began = time.time()
    line.away = True
    log.take(began, Began("th-1"))
    log.take(began, TurnBegan())
    log.note({"thread": "th\n1", "pid": 77})
    assert await asyncio.to_thread(records.run_once) is False
    line.away, line.lost = False, True
    assert await asyncio.to_thread(records.run_once) is False
    line.lost = False
    log.take(began + 1, Said("Hello."))
    assert await asyncio.to_thread(records.run_once) is True
    session, events = await told(api, job)
    assert [event["event"] for event in events] == ["began", "turn_began", "said"]
    known = ("agent", "cli_version", "thread_id", "pid", "turns", "state")
    assert [session[name] for name in known] == ["codex", "0.169.0", "th 1", 77, 1, "running"]

    second = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=line)
    log = second.begin(job, job["lease_token"], {})
    assert await asyncio.to_thread(second.run_once) is True
    log.diagnosed(
        time.time(), Diagnosis(FailureClass.DONE_AGAINST_EVIDENCE, Action.BLOCK_COMPLETE, "no file")
    )
    log.take(time.time(), Unknown("item.new"))
    log.take(time.time(), Spent(1200, 0.25))
    log.take(time.time(), TurnEnded(True))
    log.over({"exit_code": 0, "failure_class": "F08", "left": [90, {"pid": 91, "command": "chrome"}]})
    second.start()
    await asyncio.to_thread(second.stop)
    session, events = await told(api, job)
    assert [event["number"] for event in events] == [1, 2, 3, 4, 5, 6, 7]
    known = ("state", "class", "exit_code", "tokens_used", "cost", "unknown_kinds")
    assert [session[name] for name in known] == ["ended", "F08", 0, 1200, 0.25, {"item.new": 1}]
    assert [one["pid"] for one in session["left_processes"]] == [90, 91]
    assert session["diagnosis"]["because"] == "no file"


@pytest.mark.parametrize("came_there", [True, False])
async def test_who_dies_between_telling_and_noting_it_is_not_repeated(
    api: Api, tmp_path: Path, came_there: bool
) -> None:
    """Killed before the answer to its events was heard: the next one tells again exactly what the server has not."""
    job = await api.claimed(worker="host-1")
    line = Line(api)
    token = await api.token("worker")
    facts = {"agent": "codex", "turns": 1, "place": str(tmp_path)}
    first = ServerRecords("http://watchkeeper.test", token, transport=line)
    log = first.begin(job, job["lease_token"], facts)
    began = time.time()
    log.take(began, Began("th-1"))
    assert await asyncio.to_thread(first.run_once) is True
    log.take(began, Said("I wait."))
    line.lost, line.away = came_there, not came_there
    assert await asyncio.to_thread(first.run_once) is False
    line.lost = line.away = False

    second = ServerRecords("http://watchkeeper.test", token, transport=line)
    log = second.begin(job, job["lease_token"], facts)
    for fact in (Began("th-1"), Said("I wait."), Said("I am done.")):
        log.take(time.time(), fact)
    assert await asyncio.to_thread(second.run_once) is True
    log.take(time.time(), TurnEnded(True))
    assert await asyncio.to_thread(second.run_once) is True
    _, events = await told(api, job)
    assert [event["fields"].get("text") for event in events] == [None, "I wait.", "I am done.", None]
    assert [event["number"] for event in events] == [1, 2, 3, 4]


async def test_a_session_whose_attempt_was_taken_for_complete_has_no_class(api: Api) -> None:
    """What was wrong on the way and mended is no failure of the session, also where its end is told later."""
    job = await api.claimed(worker="host-1")
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=Line(api))
    log = records.begin(job, job["lease_token"], {"agent": "codex"})
    held = Diagnosis(FailureClass.EXIT_WITHOUT_CONTRACT_CALL, Action.RETRY, "it told the contract nothing")
    log.diagnosed(time.time(), held)
    assert await asyncio.to_thread(records.run_once) is True
    session, _ = await told(api, job)
    assert session["class"] == "F09"
    completed = await api.command("complete", job, summary="done", artifacts=[])
    assert completed.body["ok"], completed.body
    log.over({"exit_code": 0, "failure_class": "F09"})
    await asyncio.to_thread(records.stop)
    session, _ = await told(api, job)
    [listed] = (await api.get("/api/sessions")).body["sessions"]
    assert (session["state"], session["class"], listed["class"]) == ("ended", None, None)


async def test_a_record_that_is_refused_ends_and_costs_nobody_else(api: Api) -> None:
    """A lease that never was is told of no more; the other sessions of its supervisor are recorded all the same."""
    lost, job = await api.claimed(worker="w1"), await api.claimed(worker="w2")
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=Line(api))
    refused = records.begin(lost, job["lease_token"], {"agent": "codex"})
    log = records.begin(job, job["lease_token"], {"agent": "claude"})
    log.take(time.time(), Said("I work."))
    assert await asyncio.to_thread(records.run_once) is True
    assert refused.is_done
    _, events = await told(api, job)
    assert [event["fields"] for event in events] == [{"text": "I work."}]
    assert len(await rows(api.app.database, "SELECT id FROM watchkeeper.agent_sessions")) == 1
    await asyncio.to_thread(records.stop)


async def test_a_version_that_was_never_tried_is_counted_and_shown(api: Api) -> None:
    """It is accepted, and stands beside the kinds of lines that nobody knows."""
    job = await api.claimed()
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=Line(api))
    log = records.begin(job, job["lease_token"], {"agent": "codex"})
    log.note({"turns": 1, "untried_version": "0.999.0"})
    log.take(time.time(), Unknown("item.new"))
    assert await asyncio.to_thread(records.run_once) is True
    session, _ = await told(api, job)
    assert session["unknown_kinds"] == {"item.new": 1, "version 0.999.0": 1}
    await asyncio.to_thread(records.stop)
