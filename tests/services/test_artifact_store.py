"""Files that jobs hand in are kept whole or not at all, on the disk and in a bucket alike."""

import hashlib
import os
import tracemalloc
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from artifact_places import InBucket, OnDisk, Place, bucket_server
from watchkeeper.domain.artifacts import ArtifactKind
from watchkeeper.domain.errors import ContractRejected, UsageError
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.services.artifact_store import ArtifactLostError, ArtifactStore, Settled, StoredBlob
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.stored_evidence import decode_text, read_evidence

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with bucket_server() as address:
        yield address


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "disk":
        return OnDisk(tmp_path / "artifacts", 1000)
    return InBucket(request.getfixturevalue("endpoint"), tmp_path / "scratch", 1000)


@pytest.fixture
def store(place: Place) -> ArtifactStore:
    return place.store


def settled(place: Place, named: Collection[str], hours: float) -> Settled:
    """Sweep the whole project so many hours after the beginning."""
    done = [
        place.sweep.settle("demo", shard, named, NOW + timedelta(hours=hours))
        for shard in place.sweep.shards("demo")
    ]
    return Settled(*(sum(getattr(one, name) for one in done) for name in ("marked", "removed", "revived")))


def test_a_file_is_kept_under_its_hash(place: Place) -> None:
    """What was handed in is read back byte for byte, and stands where its hash says."""
    store = place.store
    blob = store.put("demo", [b"hello ", b"world"])
    assert blob.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert blob.bytes == 11
    with store.open("demo", blob.sha256) as file:
        assert file.read() == b"hello world"
    with store.open("demo", blob.sha256, 6) as file:
        assert file.read() == b"world"
    assert store.size("demo", blob.sha256) == 11
    assert store.verify("demo", blob.sha256)
    assert place.names() == [f"demo/{blob.sha256[:2]}/{blob.sha256}"]


def test_the_same_content_is_kept_once_a_project(place: Place) -> None:
    """Two uploads of one file take the room of one; another project's copy is its own."""
    store = place.store
    assert store.put("demo", [b"x"]) == store.put("demo", [b"x"])
    store.put("other", [b"x"])
    assert len(place.names()) == 2


def test_an_empty_file_can_be_kept(store: ArtifactStore) -> None:
    """Whether an empty file will do is for the gate to say, with its name."""
    assert store.put("demo", []).bytes == 0


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(place: Place) -> None:
    """A huge upload is answered with the check that it fails, and takes no room."""
    store = place.store
    with pytest.raises(ContractRejected) as caught:
        store.put("demo", [b"x" * 600, b"x" * 600])
    assert caught.value.details["failed"][0]["check"] == "too_large"
    assert place.names() == []


def test_an_upload_that_breaks_off_leaves_nothing(place: Place) -> None:
    """A connection that ends in mid-upload leaves no torn file."""
    store = place.store

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put("demo", chunks())
    assert place.names() == []


@pytest.mark.parametrize("project", ["", "..", "../x", "a/b", ".hidden", "UP", "a\0b"])
def test_a_project_cannot_reach_out_of_the_store(store: ArtifactStore, project: str) -> None:
    """A made-up project name is refused, not followed."""
    with pytest.raises(UsageError):
        store.put(project, [b"x"])


def test_a_made_up_hash_is_refused(store: ArtifactStore) -> None:
    """An id that is no hash never becomes a path."""
    with pytest.raises(UsageError):
        store.open("demo", "../../etc/passwd")


def test_a_changed_or_lost_file_is_noticed(place: Place) -> None:
    """A file that rotted or vanished on the disk does not pass for what it was; an equal upload mends it."""
    store = place.store
    blob = store.put("demo", [b"good"])
    [name] = place.names()
    place.overwrite(name, b"evil")
    assert not store.verify("demo", blob.sha256)
    store.put("demo", [b"good"])
    assert store.verify("demo", blob.sha256)
    place.remove(name)
    assert not store.verify("demo", blob.sha256)
    assert store.size("demo", blob.sha256) is None
    with pytest.raises(ArtifactLostError):
        store.open("demo", blob.sha256)


def test_many_writers_at_once_agree(place: Place) -> None:
    """Parallel uploads of equal and different files all end whole."""
    store = place.store
    with ThreadPoolExecutor(8) as pool:
        blobs = list(pool.map(lambda n: store.put("demo", [str(n % 5).encode()] * 100), range(100)))
    assert len({blob.sha256 for blob in blobs}) == 5
    assert all(store.verify("demo", blob.sha256) for blob in blobs)
    assert len(place.names()) == 5


def test_only_regular_files_are_copied_in(store: ArtifactStore, tmp_path: Path) -> None:
    """A link out of the workspace, a folder and a pipe are refused by name and hang nobody."""
    (tmp_path / "secret").write_text("s")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", ".", "missing"):
        with pytest.raises(UsageError):
            store.put_file("demo", tmp_path / name)
    assert store.put_file("demo", tmp_path / "secret").bytes == 1


def test_a_file_that_no_row_names_goes_after_a_day(place: Place) -> None:
    """Orphans are marked first and removed 24 hours later; named files stay."""
    store = place.store
    orphan, named = store.put("demo", [b"orphan"]).sha256, store.put("demo", [b"named"]).sha256
    hashes = [one for shard in place.sweep.shards("demo") for one in shard.hashes]
    assert sorted(hashes) == sorted([orphan, named])
    assert place.sweep.projects() == ["demo"]
    assert settled(place, {named}, 0) == Settled(marked=1)
    assert settled(place, {named}, 23) == Settled()
    assert store.verify("demo", orphan)
    assert settled(place, {named}, 24) == Settled(removed=1)
    assert store.size("demo", orphan) is None
    assert store.verify("demo", named)


def test_a_file_that_is_named_again_stays(place: Place) -> None:
    """An orphan that a row names again, or that is uploaded again, begins its day anew."""
    store = place.store
    first, second = store.put("demo", [b"1"]).sha256, store.put("demo", [b"2"]).sha256
    assert settled(place, (), 0) == Settled(marked=2)
    store.put("demo", [b"2"])
    assert settled(place, {first}, 25) == Settled(marked=1, revived=1)
    assert store.verify("demo", first)
    assert store.verify("demo", second)


def test_evidence_is_read_from_the_file_itself(place: Place) -> None:
    """The gate sees the text and the hash that the file has now, not those that were recorded."""
    store = place.store
    blob = store.put("demo", ["<p>é</p>".encode()])
    facts = {
        "artifact_id": "a1",
        "name": "i.html",
        "kind": ArtifactKind.HTML_PAGE,
        "size": 9,
        "sha256": blob.sha256,
    }
    file = read_evidence(store, "demo", **facts)
    assert (file.content.is_text, file.content.shows_nothing, file.sha256_now) == (True, False, blob.sha256)
    late = read_evidence(store, "demo", **facts, is_late=lambda: True)
    assert late.problem is not None
    assert (late.problem.check, late.sha256_now, late.content.is_text) == (GateCheck.TIMEOUT, None, False)
    [name] = place.names()
    place.remove(name)
    gone = read_evidence(store, "demo", **facts)
    assert gone.problem is not None
    assert (gone.problem.check, gone.sha256_now) == (GateCheck.FILE_UNREADABLE, None)


def test_many_large_texts_cost_the_memory_of_one(tmp_path: Path) -> None:
    """An attempt with very many large files costs the server no more memory than one of them does."""
    store = DiskArtifactStore(tmp_path)
    line = "all is well with the queue %d\n"
    stored = [store.put("demo", [(line % n * 20_000).encode()]) for n in range(12)]

    def peak(blobs: list[StoredBlob]) -> int:
        tracemalloc.start()
        try:
            found = [
                read_evidence(
                    store,
                    "demo",
                    artifact_id=f"a{n}",
                    name=f"{n}.md",
                    kind=ArtifactKind.MARKDOWN,
                    size=blob.bytes,
                    sha256=blob.sha256,
                )
                for n, blob in enumerate(blobs)
            ]
            assert len(found) == len(blobs)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(stored) < 1.2 * peak(stored[:1])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("\ufeffhé".encode("utf-16"), "\ufeffhé"),
        (b"\x89PNG\r\n\x1a\n\0\0", None),
        (b"caf\xe9", "café"),
        (b"\x01\x02\x03", None),
    ],
)
def test_text_is_told_from_other_bytes(data: bytes, text: str | None) -> None:
    """Pictures are not searched for words; a page in an old encoding is."""
    assert decode_text(data) == text


def test_a_text_cut_in_a_character_is_still_text() -> None:
    """The limit on what is searched may fall into the middle of a character."""
    assert decode_text("aé".encode()[:2], is_cut=True) == "a"
