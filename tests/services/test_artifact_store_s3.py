"""Artifacts in a bucket: what a service on the network can do to them, and the whole way from upload to download."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from artifact_places import CREDENTIALS, InBucket, bucket_server, new_bucket, small_disk
from interfaces.api_client import PAGE, serving
from watchkeeper.app import whole as root
from watchkeeper.domain.errors import SettingError
from watchkeeper.services import artifact_bucket, artifact_store_s3
from watchkeeper.services.artifact_bucket import BucketPlace
from watchkeeper.services.artifact_store import (
    ArtifactLostError,
    ArtifactStoreError,
    ArtifactStoreFullError,
    chunks_of,
)
from watchkeeper.services.artifact_store_s3 import S3ArtifactStore
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database

PART = 100


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with bucket_server() as address:
        yield address


@pytest.fixture
def place(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InBucket:
    """A bucket whose files are read in parts of 100 bytes."""
    monkeypatch.setattr(artifact_store_s3, "PART_BYTES", PART)
    return InBucket(endpoint, tmp_path / "scratch", 20_000_000)


def test_a_large_file_goes_and_comes_in_parts(endpoint: str, tmp_path: Path) -> None:
    """Nothing holds a whole large file in memory, and none of it is left on this machine."""
    place = InBucket(endpoint, tmp_path / "scratch", 20_000_000)
    content = bytes(range(256)) * 70_000
    blob = place.store.put("demo", [content[:9_000_000], content[9_000_000:]])
    with place.store.open("demo", blob.sha256) as file:
        assert b"".join(chunks_of(file)) == content
    assert place.names() == [f"demo/{blob.sha256[:2]}/{blob.sha256}"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_changed_file_is_never_handed_out_whole(place: InBucket) -> None:
    """Who downloads a file that was changed in the bucket gets an error before its last part, not another file."""
    blob = place.store.put("demo", [b"good" * PART])
    [name] = place.names()
    place.overwrite(name, b"evil" * PART)
    with place.store.open("demo", blob.sha256) as file:
        assert file.read(PART) + file.read(PART) + file.read(PART) == b"evil" * 75
        with pytest.raises(ArtifactLostError, match="not what was stored"):
            file.read(PART)
    assert not place.store.verify("demo", blob.sha256)


def test_a_file_that_is_replaced_in_mid_read_is_noticed(place: InBucket) -> None:
    """A reader never gets the beginning of one file and the end of another."""
    blob = place.store.put("demo", [b"a" * 3 * PART])
    with place.store.open("demo", blob.sha256, start=1) as file:
        assert file.read(PART) == b"a" * PART
        place.overwrite(place.names()[0], b"b" * 3 * PART)
        with pytest.raises(ArtifactStoreError):
            file.read()


def test_what_is_there_and_good_is_not_written_again(
    place: InBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket with versions or locks sees each file once; one that a sweep has marked is put again, good or not."""
    blob = place.store.put("demo", [b"x" * 250])
    written: list[str] = []
    write = place.store.bucket.write
    monkeypatch.setattr(
        place.store.bucket, "write", lambda key, file: (written.append(key), write(key, file))
    )
    assert place.store.put("demo", [b"x" * 250]) == blob
    assert written == []
    assert place.store.bucket.write_once(place.names()[0] + ".tombstone", b"2026-01-01T00:00:00+00:00")
    assert place.store.put("demo", [b"x" * 250]) == blob
    assert written == place.names()


def test_a_full_disk_for_what_comes_in_is_said_clearly(endpoint: str, tmp_path: Path) -> None:
    """A file on its way to the bucket takes room here; none left is told as such, and the next small one goes."""
    with small_disk(tmp_path / "disk") as disk:
        place = InBucket(endpoint, disk, 20_000_000)
        with pytest.raises(ArtifactStoreFullError):
            place.store.put("demo", [b"x" * 65_536] * 64)
        assert place.names() == []
        assert place.store.put("demo", [b"x"]).bytes == 1


def test_a_bucket_that_is_not_there_is_named(endpoint: str, tmp_path: Path) -> None:
    """A mistyped bucket is told by the service's own word, at doctor and at the first upload."""
    store = S3ArtifactStore(BucketPlace("s3://no-such-bucket", endpoint, "us-east-1"), tmp_path)
    assert "NoSuchBucket" in str(store.trouble())
    with pytest.raises(
        ArtifactStoreError, match=r"s3://no-such-bucket at http.*: it refuses with NoSuchBucket"
    ):
        store.put("demo", [b"x"])


def test_a_service_that_is_away_or_silent_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage ends in a clear error within the bounds of a request, and shows no secret."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(artifact_bucket, "PART_SECONDS", 0.3)
    monkeypatch.setattr(artifact_bucket, "RETRIES", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        store = S3ArtifactStore(BucketPlace("s3://bucket", address, "us-east-1"), tmp_path)
        away = str(store.trouble())
        listener.listen()
        with pytest.raises(ArtifactStoreError) as silent:
            store.put("demo", [b"x"])
    assert away.endswith("it cannot be reached")
    assert silent.value.message.endswith("it does not answer in time")
    assert not any(secret in away + silent.value.message for secret in CREDENTIALS.values())


async def test_an_installation_keeps_its_artifacts_in_a_bucket(
    endpoint: str, settings: Settings, database: Database
) -> None:
    """With the setting, uploads go to the bucket, pass the gate there, and are downloaded from it, ranges too."""
    in_bucket = Settings(
        home=settings.home,
        database_url=settings.database_url,
        artifact_s3_url=new_bucket(endpoint),
        artifact_s3_endpoint=endpoint,
        artifact_s3_region="us-east-1",
    )
    app = root.build(in_bucket, database)
    await app.kinds.ensure_project("p")
    async with serving(app) as api:
        await api.declare(contract={"primary": {"kinds": ["html_page"]}})
        job = await api.claimed()
        [stored] = (await api.upload(job, index__html=PAGE)).body["artifacts"]
        done = await api.command("complete", job, summary="done", artifacts=[])
        assert done.body["verified"] == "artifact"
        url, headers = (
            f"/api/artifacts/{stored['id']}",
            {"Authorization": f"Bearer {await api.token('viewer')}"},
        )
        whole = await api.http.get(url, headers=headers)
        part = await api.http.get(url, headers={**headers, "Range": "bytes=10-19"})
        assert (whole.content, part.content, part.status_code) == (PAGE, PAGE[10:20], 206)
        assert (await app.artifact_upkeep.run_once()).counts["files_marked"] == 0
        app.artifacts.put("p", [b"orphan"])
        assert (await app.artifact_upkeep.run_once()).counts["files_marked"] == 1
        app.artifacts.bucket.write(f"p/{stored['sha256'][:2]}/{stored['sha256']}", BytesIO(b"evil"))
        changed = await api.get(url, token=await api.token("viewer"))
        assert (changed.status, changed.body["detail"]) == (500, "the stored file is not what was stored")
    assert not (settings.home / "artifacts").exists()
    [check] = [check for check in await app.diagnosis.system() if check.name == "artifact_store"]
    assert (check.ok, check.detail) == (
        True,
        f"artifacts are kept in {in_bucket.artifact_s3_url} at {endpoint}",
    )
    await app.wakeups.stop()


def test_a_missing_client_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets a bucket without the extra learns which command brings it, before anything starts."""
    for module in [
        name for name in sys.modules if name.startswith(("watchkeeper.services.artifact_bucket", "obstore"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("artifact_store_s3", "artifact_sweep_s3"):
        monkeypatch.delitem(sys.modules, f"watchkeeper.services.{module}")
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SettingError) as refused:
        root.build(Settings(home=tmp_path, database_url="postgresql:///x", artifact_s3_url="s3://bucket"))
    assert "pip install 'watchkeeper[s3]'" in str(refused.value.advice)


@pytest.mark.parametrize(
    "wrong",
    [
        {"artifact_s3_url": "https://bucket.example.org"},
        {"artifact_s3_url": "s3://key:very-secret@bucket"},
        {"artifact_s3_url": "s3://bucket", "artifact_s3_endpoint": "http://key:very-secret@host"},
        {"artifact_s3_url": "s3://bucket", "artifact_s3_endpoint": "host:9000"},
        {"artifact_s3_endpoint": "http://host:9000"},
        {"artifact_s3_region": "eu-central-1"},
    ],
)
def test_addresses_of_buckets_are_checked(tmp_path: Path, wrong: dict[str, str]) -> None:
    """A wrong address is refused by the setting's name, and one with credentials in it is not repeated."""
    with pytest.raises(SettingError, match="artifact_s3_") as refused:
        Settings(home=tmp_path, **wrong)
    assert "very-secret" not in refused.value.message
