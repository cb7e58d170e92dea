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
from watchkeeper.agents import known
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Retrying,
    Said,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
)
from watchkeeper.domain.sessions.facts import ArtifactChecked, ContractCall, ProcessExited
from watchkeeper.domain.sessions.rows import FactRow, fact_of
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.interfaces.cli import main
from watchkeeper.services.corpus.figures import judge
from watchkeeper.services.corpus.reading import read_corpus, read_row
from watchkeeper.services.supervision.session_log import ServerLog
from watchkeeper.services.supervision.session_records import ServerRecords

AGENTS = Path(__file__).parents[1] / "fixtures/agents"
Command = Callable[..., Awaitable[str]]
FACTS = (
    Began("th-1", "0.169.0"),
    TurnBegan(),
    ToolOpened("i1", "command_execution", "c1", shown="make test\x1b[2J"),
    ToolClosed("i1", "r1", failed=True, shown="1 failed\n[0:00:00] --- turn over", exit_code=2),
    ToolOpened("i2", "files.read", "c2", shown='{"path": "a"}'),
    ToolClosed("i2", "r2"),
    Retrying(Trouble.OVERLOADED, "the model\nis busy"),
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
    job = await api.claimed(worker="host-1", payload={"prompt": f"Write the page. {SECRETS['gitlab_token']}"})
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
    assert "[prompt] Write the page. [redacted:gitlab_token]" in text
    assert "Done.\\x1b[31m All tests pass." in text
    told = text.splitlines()
    for line in (
        "$ make test\\x1b[2J",
        "< failed, exit code 2",
        "    1 failed",
        '> files.read {"path": "a"}',
        "< done",
        "agent: Done.\\x1b[31m All tests pass.",
        "! tries again: overloaded the model is busy",
    ):
        assert any(one == line or one.partition("] ")[2] == line for one in told), (line, text)
    assert "    [0:00:00] --- turn over" in told, "what an agent writes looks like no line of ours"
    assert "gate_failed" in text
    assert "reasoning" not in text
    whole = json.loads(await command("transcript", row["id"], "--json"))
    assert [event["event"] for event in whole["events"]][-2:] == ["complete", "turn_ended"]
    found = await command("lines", row["id"], "--kind", "tool", "--kind", "error", "--find", "make")
    assert [line.partition("] ")[2] for line in found.splitlines()] == ["$ make test\\x1b[2J"]
    assert "earlier: --before" in await command("lines", row["id"], "--limit", "1")


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
    log.take(time.time() + 3, ToolOpened("i9", "Bash", "c9", shown="login AKIAIOSFODNN7EXAMPLE"))
    log.take(time.time() + 3, ToolClosed("i9", "r9", shown=f"as {SECRETS['github_token']}"))
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
    assert [row["fields"].get("redacted") for row in rows[-2:]] == [["aws_key"], ["github_token"]]
    text = file.read_text() + await command("transcript", row["id"]) + await command("attach", row["id"])
    assert "AKIA" not in text
    assert SECRETS["github_token"] not in text
    assert "[redacted:github_token]" in text
    assert await command("export", row["id"]) == file.read_text()


async def test_an_exported_session_is_a_row_once_it_is_labelled(
    api: Api, command: Command, tmp_path: Path
) -> None:
    """What was exported goes through `eval corpus` with its label filled in, and has the class it was held for."""
    job = await api.claimed(worker="host-1")
    records = ServerRecords("http://watchkeeper.test", await api.token("worker"), transport=Line(api))
    log = records.begin(job, job["lease_token"], {"agent": "codex", "version": "0.169.0"})
    stream, watch, at = known.stream("codex", "0.169.0"), SessionWatch(), time.time()
    lines = (AGENTS / "codex/tool_fail.jsonl").read_text().splitlines()
    facts = [fact for line in lines for fact in stream.read(line)]
    for fact in (*facts, ArtifactChecked(200, 1, 0, ("empty_body",)), ProcessExited(0)):
        watch.take(at, fact)
        log.take(at, fact)
        at += 0.5
    held = watch.verdict(at + 60)
    log.diagnosed(at + 60, held)
    log.over({"exit_code": 0, "failure_class": held.failure})
    await asyncio.to_thread(records.stop)
    [row] = (await api.get("/api/sessions")).body["sessions"]
    await command("export", row["id"], "--to", str(tmp_path / "session.jsonl"))
    assert held.failure is FailureClass.DONE_AGAINST_EVIDENCE
    assert "oops" in labelled(str(tmp_path / "session.jsonl"), held.failure.value)
    [judged] = judge(read_corpus(tmp_path))
    assert (judged.outcome.failure, judged.outcome.action) == (held.failure, held.action)
    assert not judged.outcome.unknown


async def test_an_incident_gives_its_sessions_as_rows_of_the_corpus(
    api: Api, command: Command, tmp_path: Path
) -> None:
    """What really happened becomes a row, in a folder that is made: each session of its job, redacted."""
    records, log, job = await begun(api)
    said = f"the key is {SECRETS['github_token']}"
    await api.command("progress", job, message=said, phase="build", payload={})
    log.over({"exit_code": 0})
    await asyncio.to_thread(records.stop)
    [incident] = (await api.get("/api/watchdog/incidents?rule=secret_exposed")).body["incidents"]
    folder = tmp_path / "not" / "made yet"
    told = await command("incident", "export", incident["id"], "--corpus", "--to", str(folder))
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
