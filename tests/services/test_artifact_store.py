"""Files that jobs hand in are kept whole or not at all."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watchkeeper.domain.artifacts import ArtifactKind
from watchkeeper.domain.errors import ContractRejected, UsageError
from watchkeeper.services.artifact_store import (
    ArtifactLostError,
    ArtifactStoreError,
    ArtifactStoreFullError,
    Settled,
)
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.stored_evidence import decode_text, read_evidence

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> DiskArtifactStore:
    return DiskArtifactStore(tmp_path / "artifacts", limit_bytes=1000)


def files_under(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != ".lock"
    )


def test_a_file_is_kept_under_its_hash(store: DiskArtifactStore) -> None:
    """What was handed in is read back byte for byte, and stands where its hash says."""
    blob = store.put("demo", [b"hello ", b"world"])
    assert blob.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert blob.bytes == 11
    with store.open("demo", blob.sha256) as file:
        assert file.read() == b"hello world"
    with store.open("demo", blob.sha256, 6) as file:
        assert file.read() == b"world"
    assert store.size("demo", blob.sha256) == 11
    assert store.verify("demo", blob.sha256)
    assert files_under(store.root) == [f"demo/{blob.sha256[:2]}/{blob.sha256}"]


def test_the_same_content_is_kept_once_a_project(store: DiskArtifactStore) -> None:
    """Two uploads of one file take the room of one; another project's copy is its own."""
    assert store.put("demo", [b"x"]) == store.put("demo", [b"x"])
    store.put("other", [b"x"])
    assert len(files_under(store.root)) == 2


def test_an_empty_file_can_be_kept(store: DiskArtifactStore) -> None:
    """Whether an empty file will do is for the gate to say, with its name."""
    assert store.put("demo", []).bytes == 0


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(store: DiskArtifactStore) -> None:
    """A huge upload is answered with the check that it fails, and takes no room."""
    with pytest.raises(ContractRejected) as caught:
        store.put("demo", [b"x" * 600, b"x" * 600])
    assert caught.value.details["failed"][0]["check"] == "too_large"
    assert files_under(store.root) == []


def test_an_upload_that_breaks_off_leaves_nothing(store: DiskArtifactStore) -> None:
    """A connection that ends in mid-upload leaves no torn file."""

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put("demo", chunks())
    assert files_under(store.root) == []


@pytest.mark.parametrize("project", ["", "..", "../x", "a/b", ".hidden", "UP", "a\0b"])
def test_a_project_cannot_reach_out_of_the_store(store: DiskArtifactStore, project: str) -> None:
    """A made-up project name is refused, not followed."""
    with pytest.raises(UsageError):
        store.put(project, [b"x"])


def test_a_made_up_hash_is_refused(store: DiskArtifactStore) -> None:
    """An id that is no hash never becomes a path."""
    with pytest.raises(UsageError):
        store.open("demo", "../../etc/passwd")


def test_a_changed_or_lost_file_is_noticed(store: DiskArtifactStore) -> None:
    """A file that rotted or vanished on the disk does not pass for what it was; an equal upload mends it."""
    blob = store.put("demo", [b"good"])
    path = store.path("demo", blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"evil")
    assert not store.verify("demo", blob.sha256)
    store.put("demo", [b"good"])
    assert store.verify("demo", blob.sha256)
    path.unlink()
    assert not store.verify("demo", blob.sha256)
    assert store.size("demo", blob.sha256) is None
    with pytest.raises(ArtifactLostError):
        store.open("demo", blob.sha256)


def test_many_writers_at_once_agree(store: DiskArtifactStore) -> None:
    """Parallel uploads of equal and different files all end whole."""
    with ThreadPoolExecutor(8) as pool:
        blobs = list(pool.map(lambda n: store.put("demo", [str(n % 5).encode()] * 100), range(100)))
    assert len({blob.sha256 for blob in blobs}) == 5
    assert all(store.verify("demo", blob.sha256) for blob in blobs)
    assert len(files_under(store.root)) == 5


def test_only_regular_files_are_copied_in(store: DiskArtifactStore, tmp_path: Path) -> None:
    """A link out of the workspace, a folder and a pipe are refused by name and hang nobody."""
    (tmp_path / "secret").write_text("s")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", ".", "missing"):
        with pytest.raises(UsageError):
            store.put_file("demo", tmp_path / name)
    assert store.put_file("demo", tmp_path / "secret").bytes == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    target = tmp_path / "disk"
    target.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(target)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("full disk: mounting a tmpfs is not permitted here")
    yield target
    subprocess.run(["umount", str(target)], check=True)


def test_a_full_disk_is_said_clearly_and_leaves_nothing(small_disk: Path) -> None:
    """A full disk fails the upload in plain words; its space is free again, and small files still fit."""
    store = DiskArtifactStore(small_disk / "artifacts")
    with pytest.raises(ArtifactStoreFullError, match="full"):
        store.put("demo", [b"x" * 65536] * 64)
    assert files_under(store.root) == []
    assert store.verify("demo", store.put("demo", [b"x" * 65536]).sha256)


def test_a_broken_disk_is_said_clearly(tmp_path: Path) -> None:
    """A store whose folder is a file answers in words."""
    (tmp_path / "artifacts").write_text("")
    with pytest.raises(ArtifactStoreError):
        DiskArtifactStore(tmp_path / "artifacts").put("demo", [b"x"])


def test_a_writer_killed_in_mid_write_leaves_only_what_a_sweep_removes(store: DiskArtifactStore) -> None:
    """A kill leaves no half file under any hash; the sweep takes the torn one away, not a live one."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from watchkeeper.services.artifact_store_disk import DiskArtifactStore\n"
        "DiskArtifactStore(Path(sys.argv[1])).writer('demo').write(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(store.root)], check=False)
    incoming = store.root / "demo" / ".incoming"
    [torn] = incoming.iterdir()
    sweep = DiskArtifactSweep(store)
    with store.writer("demo") as writer:
        writer.write(b"alive")
        for path in incoming.iterdir():
            os.utime(path, (0, 0))
        assert sweep.sweep_incoming("demo") == 1
        assert not torn.exists()
        blob = writer.commit()
    assert store.verify("demo", blob.sha256)
    assert list(incoming.iterdir()) == []


def test_a_file_that_no_row_names_goes_after_a_day(store: DiskArtifactStore) -> None:
    """Orphans are marked first and removed 24 hours later; named files stay."""
    orphan, named = store.put("demo", [b"orphan"]).sha256, store.put("demo", [b"named"]).sha256
    sweep = DiskArtifactSweep(store)
    hashes = [one for shard in sweep.shards("demo") for one in shard]
    assert sorted(hashes) == sorted([orphan, named])
    assert sweep.projects() == ["demo"]
    assert sweep.settle("demo", hashes, {named}, NOW) == Settled(marked=1)
    assert sweep.settle("demo", hashes, {named}, NOW + timedelta(hours=23)) == Settled()
    assert store.verify("demo", orphan)
    assert sweep.settle("demo", hashes, {named}, NOW + timedelta(hours=24)) == Settled(removed=1)
    assert store.size("demo", orphan) is None
    assert store.verify("demo", named)


def test_a_file_that_is_named_again_stays(store: DiskArtifactStore) -> None:
    """An orphan that a row names again, or that is uploaded again, begins its day anew."""
    first, second = store.put("demo", [b"1"]).sha256, store.put("demo", [b"2"]).sha256
    sweep = DiskArtifactSweep(store)
    assert sweep.settle("demo", [first, second], (), NOW) == Settled(marked=2)
    store.put("demo", [b"2"])
    assert sweep.settle("demo", [first, second], {first}, NOW + timedelta(hours=25)) == Settled(
        marked=1, revived=1
    )
    assert store.verify("demo", first)
    assert store.verify("demo", second)


def test_evidence_is_read_from_the_file_itself(store: DiskArtifactStore) -> None:
    """The gate sees the text and the hash that the file has now, not those that were recorded."""
    blob = store.put("demo", ["<p>é</p>".encode()])
    facts = {
        "artifact_id": "a1",
        "name": "i.html",
        "kind": ArtifactKind.HTML_PAGE,
        "size": 9,
        "sha256": blob.sha256,
    }
    file = read_evidence(store, "demo", **facts)
    assert (file.text, file.sha256_now, file.readable) == ("<p>é</p>", blob.sha256, True)
    late = read_evidence(store, "demo", **facts, is_late=lambda: True)
    assert (late.timed_out, late.sha256_now, late.text) == (True, None, None)
    store.path("demo", blob.sha256).unlink()
    gone = read_evidence(store, "demo", **facts)
    assert (gone.readable, gone.sha256_now, gone.text) == (False, None, None)


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
