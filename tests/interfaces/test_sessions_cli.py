"""`sessions` as a person uses it: the table, one session, following it to its end, its text, a recording of it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from interfaces.api_client import Api
from interfaces.test_session_records import Line
from secret_examples import SECRETS
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Said,
    Stirred,
    ToolClosed,
    ToolOpened,
    TurnBegan,
    TurnEnded,
)
from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.domain.sessions.rows import FactRow, fact_of
from watchkeeper.interfaces.cli import main
from watchkeeper.services.corpus.figures import judge
from watchkeeper.services.corpus.reading import read_corpus, read_row
from watchkeeper.services.supervision.session_log import ServerLog
from watchkeeper.services.supervision.session_records import ServerRecords

Command = Callable[..., Awaitable[str]]
FACTS = (
    Began("th-1", "0.169.0"),
    TurnBegan(),
    ToolOpened("i1", "shell", "c1"),
    ToolClosed("i1", "r1", failed=True),
    Said("Done.\x1b[31m All tests pass."),
    ContractCall("complete", False, "gate_failed"),
    TurnEnded(True),
)


@pytest.fixture
async def command(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command of `sessions` as a viewer against the server of this test, and give what it printed."""
    line, client = Line(api), httpx2.Client
    monkeypatch.setattr(httpx2, "Client", lambda **given: client(**{"transport": line, **given}))
    monkeypatch.setenv("WATCHKEEPER_URL", "http://watchkeeper.test")
    monkeypatch.setenv("WATCHKEEPER_TOKEN", await api.token("viewer"))

    async def run(*arguments: str) -> str:
        group = () if arguments[0] == "incident" else ("sessions",)
        monkeypatch.setattr(sys, "argv", ["watchkeeper", *group, *arguments])
        assert await asyncio.to_thread(main.run) == 0
        return capsys.readouterr().out

    return run


async def begun(api: Api) -> tuple[ServerRecords, ServerLog, dict[str, Any]]:
    job = await api.claimed(worker="host-1", payload={"prompt": "Write the page."})
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=Line(api))
    log = records.begin(job, job["lease_token"], {"agent": "codex", "version": "0.169.0"})
    for number, fact in enumerate(FACTS):
        log.take(time.time() + number / 10, fact)
    log.take(time.time() + 1, Stirred("reasoning"))
    log.diagnosed(
        time.time() + 2,
        Diagnosis(FailureClass.DONE_AGAINST_EVIDENCE, Action.BLOCK_COMPLETE, "no page is there"),
    )
    assert await asyncio.to_thread(records.run_once)
    return records, log, job


async def test_one_session_as_people_read_it(api: Api, command: Command) -> None:
    """A table with state, age and class; then all of one; the conversation is text, in which nothing moves a cursor."""
    _, _, job = await begun(api)
    [row] = json.loads(await command("list", "--live", "--json"))["sessions"]
    table = await command("list")
    assert all(word in table for word in ("running", "codex", job["id"], "host-1", "F08", " s"))
    assert "no sessions" in await command("list", "--ended")
    shown = await command("show", row["id"])
    assert "F08: no page is there (next: block_complete)" in shown
    text = await command("transcript", row["id"])
    assert "[prompt] Write the page." in text
    assert "Done.\\x1b[31m All tests pass." in text
    assert [word in text for word in ("> shell", "< failed", "gate_failed")] == [True] * 3
    assert "reasoning" not in text
    whole = json.loads(await command("transcript", row["id"], "--json"))
    assert [event["event"] for event in whole["events"]][-2:] == ["complete", "turn_ended"]


async def test_a_session_is_followed_to_its_end(api: Api, command: Command) -> None:
    """What was is shown at once, what comes as it comes; the end ends it, without a terminal too."""
    records, log, job = await begun(api)
    [row] = (await api.get(f"/api/sessions?job={job['id']}")).body["sessions"]
    following = asyncio.create_task(command("attach", row["id"]))
    log.take(time.time() + 3, Said("One thing more."))
    log.over({"exit_code": 0, "failure_class": "F08"})
    await asyncio.to_thread(records.stop)
    lines = (await following).splitlines()
    assert any("One thing more." in line for line in lines)
    assert lines[-1] == "--- ended, F08"
    told = [
        json.loads(line)
        for line in (await command("attach", row["id"], "--after", "3", "--json")).splitlines()
    ]
    assert [event["number"] for event in told] == list(range(4, len(FACTS) + 4))


async def test_a_recording_says_what_was_seen_and_asks_for_its_label(
    api: Api, command: Command, tmp_path: Path
) -> None:
    """The first line is a label to be filled in, the rows give back each fact, the end closes it; it has no secret."""
    records, log, _ = await begun(api)
    log.take(time.time() + 3, Said("the key is AKIAIOSFODNN7EXAMPLE"))
    log.over({"exit_code": 0})
    await asyncio.to_thread(records.stop)
    [row] = (await api.get("/api/sessions")).body["sessions"]
    file = tmp_path / "session.jsonl"
    assert "fill in its label" in await command("export", row["id"], "--to", str(file))
    first, *rows, last = [json.loads(line) for line in file.read_text().splitlines()]
    assert first["label"]["class"] == "unlabelled"
    assert first["label"]["agent"] == "codex"
    assert [one["fields"]["failure"] for one in first["header"]["diagnoses"]] == ["F08"]
    assert (last["source"], last["event"]) == ("clock", "end")
    facts = [fact_of(FactRow(row["source"], row["event"], row["fields"])) for row in rows]
    assert tuple(facts[: len(FACTS)]) == FACTS
    assert "AKIA" not in file.read_text()
    assert await command("export", row["id"]) == file.read_text()


async def test_an_incident_gives_its_sessions_as_rows_of_the_corpus(
    api: Api, command: Command, tmp_path: Path
) -> None:
    """What really happened becomes a row: each session of the incident's job, redacted, to be labelled and judged."""
    records, log, job = await begun(api)
    said = f"the key is {SECRETS['github_token']}"
    await api.command("progress", job, message=said, phase="build", payload={})
    log.over({"exit_code": 0})
    await asyncio.to_thread(records.stop)
    [incident] = (await api.get("/api/watchdog/incidents?rule=secret_exposed")).body["incidents"]
    told = await command("incident", "export", incident["id"], "--corpus", "--to", str(tmp_path))
    assert SECRETS["github_token"] not in labelled(told.splitlines()[0], "F08")
    [judged] = judge(read_corpus(tmp_path))
    assert (judged.outcome.failure, judged.outcome.action) == ("F08", Action.BLOCK_COMPLETE)


def labelled(name: str, failure: str) -> str:
    """Label a recording, which is no row before that; give its text."""
    file = Path(name)
    with pytest.raises(UsageError, match="label"):
        read_row(file)
    text = file.read_text("utf-8").replace('"class": "unlabelled"', f'"class": "{failure}"')
    file.write_text(text, encoding="utf-8")
    return text
