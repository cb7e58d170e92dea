"""Results go to the store once, also when the way there breaks in the middle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.services.supervision import results
from watchkeeper.services.supervision.delivery import Delivery, Held
from watchkeeper.services.supervision.endings import completed
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.server_link import Json, ServerLink, Upload


class Store(ServerLink):
    """A stand-in for the server whose connection breaks at the uploads that are named by number."""

    def __init__(self, *breaks_at: int) -> None:
        super().__init__("http://127.0.0.1:1", "wkw_token")
        self.artifacts: list[Json] = []
        self.breaks_at = set(breaks_at)
        self.uploads = 0
        self.completed: list[Any] = []

    async def context(self, job: str, lease: str) -> Json:
        return {"artifacts": list(self.artifacts)}

    async def post(self, command: str, body: Json, answer_seconds: float = 60.0) -> Json:
        return {"renewed": [], "lost": []}

    async def upload(self, job: str, files: Sequence[Upload], lease: str) -> list[Json]:
        self.uploads += 1
        stored = []
        for name, file in files:
            content = file.read()
            about = {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            stored.append({"id": f"id-{name}-{self.uploads}", **about})
        self.artifacts += stored
        if self.uploads in self.breaks_at:
            raise ServerUnreachable
        return stored

    async def on_job(self, job: str, command: str, body: Json, lease: str) -> Json:
        self.completed.append(body)
        return {"status": "completed", "status_code": 200}


@pytest.fixture
def held(tmp_path: Path) -> Held:
    (tmp_path / "work").mkdir()
    for name in "abc":
        (tmp_path / "work" / f"{name}.txt").write_text(name)
    return Held({"id": "j", "contract": {}}, "1.s", tmp_path / "work")


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AttemptRecords:
    monkeypatch.setattr(results, "FILES_AT_ONCE", 1)
    return AttemptRecords.make(tmp_path, "j", 1, {})


async def test_files_are_sent_once_though_the_way_breaks(held: Held, records: AttemptRecords) -> None:
    """An upload whose answer was lost is found again, and what was not sent yet still is."""
    store = Store(2)
    answer = await Delivery(store, "w", 1000).deliver(records, held, completed("exit code 0"))
    assert answer["status"] == "completed"
    assert [artifact["name"] for artifact in store.artifacts] == ["a.txt", "b.txt", "c.txt"]
    assert records.is_over
    await store.close()


async def test_what_the_agent_uploaded_itself_is_all_there_is(held: Held, records: AttemptRecords) -> None:
    """An agent that used the contract's own upload has chosen its results: other files are not added."""
    store = Store()
    store.artifacts.append({"id": "own", "name": "own.html", "bytes": 3, "sha256": "0"})
    await Delivery(store, "w", 1000).deliver(records, held, completed("exit code 0"))
    assert store.uploads == 0
    assert store.completed == [{"summary": "exit code 0", "artifacts": []}]
    await store.close()


async def test_a_directory_is_claimed_by_its_page(held: Held, records: AttemptRecords) -> None:
    """A directory in artifacts.json is one artifact of many files, opened at its index page."""
    assert held.workspace is not None
    (held.workspace / "site").mkdir()
    (held.workspace / "site/index.html").write_text("page")
    (held.workspace / "site/style.css").write_text("css")
    entry = {"kind": "html_page", "path": "site", "primary": True}
    (held.workspace / "artifacts.json").write_text(json.dumps({"summary": "s\0", "artifacts": [entry]}))
    store = Store(1)
    await Delivery(store, "w", 1000).deliver(records, held, completed("exit code 0"))
    (body,) = store.completed
    assert body["summary"] == "s\ufffd"
    assert body["artifacts"] == [
        {
            "kind": "html_page",
            "primary": True,
            "files": ["index.html", "style.css"],
            "artifact_id": "id-index.html-1",
        }
    ]
    await store.close()
