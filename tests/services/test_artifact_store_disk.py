"""Files that jobs hand in, on the local disk: a disk that is full or broken, a writer that is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from artifact_places import OnDisk, small_disk
from watchkeeper.services.artifact_store import ArtifactStoreError, ArtifactStoreFullError
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep


@pytest.fixture
def store(tmp_path: Path) -> DiskArtifactStore:
    return DiskArtifactStore(tmp_path / "artifacts", limit_bytes=1000)


def test_a_full_disk_is_said_clearly_and_leaves_nothing(tmp_path: Path) -> None:
    """A full disk fails the upload in plain words; its space is free again, and small files still fit."""
    with small_disk(tmp_path / "disk") as disk:
        store = DiskArtifactStore(disk / "artifacts")
        with pytest.raises(ArtifactStoreFullError, match="full"):
            store.put("demo", [b"x" * 65536] * 64)
        assert OnDisk(store.root, 0).names() == []
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
        assert sweep.sweep_incoming() == 1
        assert not torn.exists()
        blob = writer.commit()
    assert store.verify("demo", blob.sha256)
    assert list(incoming.iterdir()) == []
