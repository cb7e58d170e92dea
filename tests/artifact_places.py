"""The two stores that artifacts are kept in, with a way to look at and spoil what lies there behind their back."""

from __future__ import annotations

import logging
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from unittest import mock
from uuid import uuid4

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from watchkeeper.services.artifact_bucket import BucketPlace
from watchkeeper.services.artifact_store import ArtifactStore, ArtifactSweep
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_store_s3 import S3ArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.artifact_sweep_s3 import S3ArtifactSweep

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret-that-nobody-shows"}


class Place(Protocol):
    store: ArtifactStore
    sweep: ArtifactSweep

    def names(self) -> list[str]:
        """Name every file that is there."""

    def overwrite(self, name: str, content: bytes) -> None: ...
    def remove(self, name: str) -> None: ...


@dataclass
class OnDisk:
    root: Path
    limit: int

    def __post_init__(self) -> None:
        self.store = DiskArtifactStore(self.root, self.limit)
        self.sweep = DiskArtifactSweep(self.store)

    def names(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file() and path.name != ".lock")
        return sorted(str(path.relative_to(self.root)) for path in files)

    def overwrite(self, name: str, content: bytes) -> None:
        (self.root / name).chmod(0o600)
        (self.root / name).write_bytes(content)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


@dataclass
class InBucket:
    endpoint: str
    scratch: Path
    limit: int

    def __post_init__(self) -> None:
        self.url = new_bucket(self.endpoint)
        place = BucketPlace(self.url, self.endpoint, "us-east-1")
        self.store = S3ArtifactStore(place, self.scratch, self.limit)
        self.sweep = S3ArtifactSweep(self.store)
        self.raw = S3Store.from_url(
            self.url, config={"endpoint": self.endpoint}, client_options={"allow_http": True}
        )

    def names(self) -> list[str]:
        return sorted(found["path"] for page in obstore.list(self.raw) for found in page)

    def overwrite(self, name: str, content: bytes) -> None:
        obstore.put(self.raw, name, content)

    def remove(self, name: str) -> None:
        obstore.delete(self.raw, name)


@contextmanager
def small_disk(target: Path) -> Iterator[Path]:
    """Mount a disk of 1 MiB; skips the test where that is not permitted."""
    target.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(target)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("full disk: mounting a tmpfs is not permitted here")
    try:
        yield target
    finally:
        subprocess.run(["umount", str(target)], check=True)


@contextmanager
def bucket_server() -> Iterator[str]:
    """Run a server on loopback that speaks S3, and give its address; credentials come from the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with mock.patch.dict(os.environ, CREDENTIALS):
        yield f"http://{host}:{port}"
    server.stop()


def new_bucket(endpoint: str) -> str:
    """Make a bucket and give the address of a prefix in it."""
    name = f"bucket-{uuid4().hex}"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={CREDENTIALS['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/s3/aws4_request"
    )
    request = urllib.request.Request(
        f"{endpoint}/{name}", method="PUT", headers={"Authorization": authorization}
    )
    with urllib.request.urlopen(request):
        return f"s3://{name}/artifacts/of-ours"
