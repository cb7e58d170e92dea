"""`artifacts verify`: every stored file is read again, and a loss is told once."""

from __future__ import annotations

from pathlib import Path

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.enqueueing import JobRequest


def silent(sentence: str) -> None:
    """Nobody waits in front of a test."""


async def stored(app: App, name: str, content: bytes) -> Path:
    """Keep a file as an artifact of a running job; give where it lies."""
    [made] = await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    [job] = await app.queue.claim("p", "w", None, profile="runtime")
    assert job.id == str(made.id)
    assert isinstance(app.artifacts, DiskArtifactStore)
    blob = app.artifacts.put("p", [content])
    where = {"project_id": "p", "seq": job.seq, "epoch": job.epoch, "token_hash": job.token.secret_hash}
    what = {"kind": "html_page", "name": name, "title": None, "media_type": "text/html"}
    size = {"sha256": blob.sha256, "bytes": blob.bytes, "secret_suspected": False}
    assert await app.database.fetch("add_artifact", {**where, **what, **size})
    path = app.artifacts.path("p", blob.sha256)
    path.chmod(0o600)
    return path


async def told(app: App) -> list[tuple[str, str]]:
    found = await rows(
        app.database,
        "SELECT event, data->>'name' AS name FROM watchkeeper.audit_events WHERE event LIKE 'artifact%%' ORDER BY seq",
    )
    return [(row["event"], row["name"]) for row in found]


async def test_what_is_there_and_unchanged_is_well(app: App) -> None:
    """Two artifacts of one content are one file; a file that no artifact names is counted and is no loss."""
    await stored(app, "a", b"<p>one</p>")
    await stored(app, "b", b"<p>one</p>")
    await stored(app, "c", b"<p>two</p>")
    app.artifacts.put("p", [b"left over"])
    verified = await app.verification.run("t", silent)
    assert (verified.ok, verified.files, verified.lost, verified.unnamed) == (True, 2, 0, 1)
    assert await told(app) == []


async def test_each_lost_artifact_is_named_and_told_once_until_it_is_back(app: App) -> None:
    """Gone or changed: every artifact of the file is listed each time, and stands in the audit trail once."""
    gone = await stored(app, "gone", b"<p>one</p>")
    changed = await stored(app, "changed", b"<p>two</p>")
    await stored(app, "well", b"<p>three</p>")
    gone.unlink()
    changed.write_bytes(b"<p>TWO</p>")
    for _ in range(2):
        verified = await app.verification.run("t", silent)
        assert {row["name"]: row["how"] for row in verified.lost_artifacts} == {
            "gone": "gone",
            "changed": "changed",
        }
        assert (verified.ok, verified.lost, verified.files) == (False, 2, 3)
        assert all(row["job_id"] for row in verified.lost_artifacts)
    assert sorted(await told(app)) == [("artifact_lost", "changed"), ("artifact_lost", "gone")]

    changed.write_bytes(b"<p>two</p>")
    verified = await app.verification.run("t", silent)
    assert (verified.lost, verified.found_again) == (1, 1)
    assert (await told(app))[-1] == ("artifact_restored", "changed")
    changed.unlink()
    assert (await app.verification.run("t", silent)).lost == 2
    assert (await told(app)).count(("artifact_lost", "changed")) == 2
