"""The client for Python programs: every operation, typed, retried, page by page."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from interfaces.api_fuzzing import listening
from watchkeeper import ApiClient, Client
from watchkeeper.app.whole import App
from watchkeeper.client.calling import MOST_TRIES
from watchkeeper.domain.errors import Conflict, JobNotFound, PreconditionFailed, ServerUnreachable
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.openapi import document

ROOT = Path(__file__).parents[2]


def script() -> Any:
    spec = importlib.util.spec_from_file_location("python_client", ROOT / "scripts" / "python_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def client(app: App) -> AsyncIterator[ApiClient]:
    """A client of a server that listens on this database."""
    token = await app.identity.create_token("program", Role.OWNER, "p", actor="test")
    async with listening(app) as url:
        with ApiClient(url, token.secret) as made:
            yield made


def answering(*answers: httpx2.Response | Exception) -> tuple[ApiClient, list[httpx2.Request], list[float]]:
    """Give a client whose server answers so in turn, what it was sent, and how long the client waited."""
    waiting, sent, pauses = list(answers), [], []

    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx2.MockTransport(handle)
    return ApiClient("http://server.test", "t", transport=transport, sleep=pauses.append), sent, pauses


def test_the_client_is_written_from_the_document() -> None:
    """Groups and types say what the document says; scripts/python_client.py writes them anew."""
    written = script().files()
    for path, text in written.items():
        assert path.read_text(encoding="utf-8") == text, "run: make reference"
    folders = (ROOT / "src" / "watchkeeper" / "client" / name for name in ("groups", "types"))
    found = {path for folder in folders for path in folder.glob("*.py") if path.name != "__init__.py"}
    assert found == {path for path in written if path.name != "api.py"}


def test_every_operation_has_a_method() -> None:
    """`client.TAG.NAME` is there for each operationId, but for what chat platforms alone post."""
    missing = []
    with ApiClient("http://server.test", "t") as client:
        for ways in document()["paths"].values():
            for operation in ways.values():
                tag, _, name = operation["operationId"].partition("_")
                if not callable(getattr(getattr(client, tag), name, None)):
                    missing.append(operation["operationId"])
    assert missing == ["chat_receive"]


def test_the_package_stays_light() -> None:
    """Importing watchkeeper loads neither the client nor httpx2; the client loads nothing of the server."""
    program = """
import sys
import watchkeeper
assert not {"httpx2", "watchkeeper.client"} & set(sys.modules)
watchkeeper.ApiClient
assert not {"fastapi", "psycopg", "pydantic", "watchkeeper.services", "watchkeeper.library"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_a_program_works_through_the_client(client: ApiClient) -> None:
    """Enqueue, look, act, claim, upload, complete, read pages and files: what one call gives the next takes."""
    await asyncio.to_thread(_work, client)


def _work(client: ApiClient) -> None:
    made = client.jobs.enqueue([{"kind": "report", "payload": {"n": n}} for n in range(5)])
    ids = [job["id"] for job in made["jobs"] or ()]
    listed = [job["id"] for job in client.jobs.iterate(limit=2)]
    assert listed == ids[::-1]
    seen = client.jobs.show(ids[0])
    assert seen["job"]["state"] == "pending"
    assert client.jobs.pause(ids[0], reason="later", dry_run=True)["job"]["state"] == "paused"
    assert client.jobs.pause(ids[0], reason="later")["job"]["state"] == "paused"
    with pytest.raises(PreconditionFailed) as caught:
        client.jobs.resume(ids[0], reason="now", if_match='"0"')
    assert (caught.value.code, caught.value.advice[:13]) == ("precondition_failed", "Read it again")
    with pytest.raises(JobNotFound):
        client.jobs.show("no/such job?")
    job: Any = client.worker.claim(worker_id="w-1", kinds=["report"])["job"]
    page = b"<!doctype html><title>Queues</title><h1>Queues</h1><p>All is well.</p>"
    kept = client.worker.upload_files(job["id"], {"index.html": page}, lease=job["lease_token"])
    artifact = kept["artifacts"][0]["id"]
    assert client.artifacts.download(str(artifact)) == page
    ended = client.worker.complete(
        job["id"],
        summary="done",
        artifacts=[{"kind": "html_page", "artifact_id": artifact, "primary": True}],
        lease=job["lease_token"],
    )
    assert ended["status"] == "completed"
    assert "watchkeeper_" in client.system.metrics()
    assert client.watchdog.queue_health()["queues"]


async def test_the_library_leads_to_the_client() -> None:
    """`Client.over_http` gives the same for programs that have no database account."""
    with Client.over_http("http://server.test", "t", project="p") as client:
        assert isinstance(client, ApiClient)


def test_what_was_not_carried_out_is_sent_again_under_its_key() -> None:
    """429 and 503 are waited out as long as the server says; a lost answer is asked for again under the same key."""
    limited = httpx2.Response(429, headers={"Retry-After": "7"}, json={})
    fine = httpx2.Response(200, json={"ok": True, "job": {"id": "j"}})
    client, sent, pauses = answering(limited, httpx2.ReadTimeout("slow"), fine)
    assert client.jobs.pause("j", reason="x")["job"]["id"] == "j"
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    assert [json.loads(request.content) for request in sent] == [{"reason": "x"}] * 3
    assert pauses[0] == 7
    assert 0 < pauses[1] < 1


def test_what_may_have_been_carried_out_is_not_sent_twice() -> None:
    """A claim has no key: it is sent again where no connection came about, and not where the answer was lost."""
    answer = {"ok": True, "job": None, "no_job_count": 1, "declined": []}
    client, sent, _ = answering(httpx2.ConnectError("refused"), httpx2.Response(200, json=answer))
    assert client.worker.claim(worker_id="w")["job"] is None
    client, sent, _ = answering(httpx2.ReadTimeout("slow"))
    with pytest.raises(ServerUnreachable):
        client.worker.claim(worker_id="w")
    assert len(sent) == 1


@pytest.mark.parametrize("last", [httpx2.ConnectError("refused"), httpx2.Response(503, json={})])
def test_in_the_end_the_error_is_told(last: httpx2.Response | Exception) -> None:
    """After a few tries the last error is raised, whatever it was."""
    client, sent, pauses = answering(*[last] * MOST_TRIES)
    with pytest.raises(Exception, match=r"cannot be reached|status 503"):
        client.projects.list()
    assert (len(sent), len(pauses)) == (MOST_TRIES, MOST_TRIES - 1)


def test_a_refusal_is_raised_at_once_with_its_facts() -> None:
    """An error carries the server's code, message, hint and details."""
    told = {"code": "conflict", "message": "no", "hint": "later", "details": {"state": "failed"}}
    client, sent, _ = answering(httpx2.Response(409, json={"ok": False, "error": told}))
    with pytest.raises(Conflict) as caught:
        client.jobs.pause("j", reason="x")
    error = caught.value
    assert (error.code, error.message, error.advice, error.details) == (
        "conflict",
        "no",
        "later",
        {"state": "failed"},
    )
    assert len(sent) == 1


EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


async def test_the_examples_of_the_manual_run(app: App) -> None:
    """Each block of docs/client.md runs as it stands, one after the other."""
    blocks = EXAMPLE.findall((ROOT / "docs" / "client.md").read_text(encoding="utf-8"))
    token = await app.identity.create_token("manual", Role.OWNER, "p", actor="test")
    async with listening(app) as url:
        names: dict[str, Any] = {"URL": url, "TOKEN": token.secret}
        run: Callable[[], None] = lambda: [exec(block, names) for block in blocks] and None  # noqa: E731
        await asyncio.to_thread(run)
    assert len(blocks) > 3
