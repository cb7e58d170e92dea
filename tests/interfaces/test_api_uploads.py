"""Bodies and files over HTTP: bounded, named safely, kept whole or not at all."""

from __future__ import annotations

import errno
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from interfaces.api_client import PAGE, Api, raw, serving
from raw_sql import rows
from watchkeeper.app import whole as root
from watchkeeper.interfaces.api import uploads
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database


@pytest.fixture
async def small(settings: Settings, database: Database) -> AsyncIterator[Api]:
    """An API that takes bodies of 1,000 bytes and files of 2,000."""
    limited = replace(settings, body_limit_bytes=1000, artifact_limit_bytes=2000)
    built = root.build(limited, database)
    await built.kinds.ensure_project("p")
    async with serving(built) as api:
        yield api


async def test_bodies_over_the_limit_are_refused_however_they_come(small: Api) -> None:
    """413 with code usage, for an announced length and for a chunked body that never says how long it is."""
    fits = json.dumps({"kind": "a", "payload": "x" * 900}).encode()
    large = json.dumps({"kind": "a", "payload": "x" * 1000}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 100):
            yield large[start : start + 100]

    assert (await raw(small, "/api/jobs", fits)).status == 201
    for content in (large, chunks()):
        answered = await raw(small, "/api/jobs", content)
        assert (answered.status, answered.code) == (413, "usage")
    job = await small.claimed(kind="b")
    assert (await small.command("fail", job, reason="x" * 2000)).status == 413


async def test_uploads_are_bounded_and_named_safely(small: Api) -> None:
    """A file over the limit, a name that leaves the workspace, a broken or empty upload: refused by name."""
    job = await small.claimed()
    path = f"/api/worker/jobs/{job['id']}/files"
    options: dict[str, Any] = {"role": "worker", "lease": job["lease_token"]}
    large = await small.upload(job, big__bin=b"x" * 2001)
    assert (large.status, large.body["error"]["details"]["failed"][0]["check"]) == (422, "too_large")
    for name in ("../up.html", "/etc/passwd", "a/../../b", "a\u202eb.html", "C:/x", "x" * 300):
        files = [("files", (name, PAGE))]
        answered = await small.post(path, **options, files=files)
        assert (answered.status, answered.code) == (400, "usage"), name
    wrong_field = await small.post(path, **options, files=[("file", ("a.html", PAGE))])
    assert "field 'files'" in wrong_field.body["detail"]
    assert (await small.post(path, {}, **options)).status == 415
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (
        b"",
        b"--x--\r\n",
        b"--y\r\n\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nq\r\n--x--",
    ):
        answered = await small.post(path, **options, headers=headers, content=content)
        assert (answered.status, answered.code) == (400, "usage"), content
    assert not await rows(small.app.database, "SELECT 1 FROM watchkeeper.artifacts")
    assert not list(small.app.settings.home.glob(".upload-*"))


async def test_file_names_of_any_script_survive_the_upload(api: Api) -> None:
    """Folders, quotes, blanks and Chinese letters in a name arrive as they were sent."""
    job = await api.claimed()
    names = ["site/index.html", 'say "hi".txt', "報告 一.md"]
    boundary = b"b0"
    body = b"".join(
        b'--b0\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\nx\r\n'
        % name.replace('"', '\\"').encode()
        for name in names
    )
    answered = await api.post(
        f"/api/worker/jobs/{job['id']}/files",
        role="worker",
        lease=job["lease_token"],
        headers={"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"},
        content=body + b"--b0--\r\n",
    )
    assert [file["name"] for file in answered.body["artifacts"]] == names


async def test_an_upload_onto_a_full_disk_leaves_nothing_behind(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk refuses even the end of a file, what had come of the upload is removed all the same."""
    close = uploads._Parts.close

    def refuse(parts: uploads._Parts) -> None:
        close(parts)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads._Parts, "close", refuse)
    answered = await api.upload(await api.claimed(), index__html=PAGE)
    assert (answered.status, answered.code) == (500, "internal_error")
    assert "disk of the artifact store is full" in answered.body["error"]["message"]
    assert list(api.app.settings.home.glob(".upload-*")) == []
