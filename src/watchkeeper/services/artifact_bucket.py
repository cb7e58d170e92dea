"""A bucket of an S3-compatible service, by our own keys and with our own errors. Every call blocks.

Credentials come from where obstore looks: AWS_* variables, a web identity token's file, the container's or the
machine's role. They are in no record of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from watchkeeper.services.artifact_store import ArtifactStoreError

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Config

PART_BYTES = 8 * 1024 * 1024
PARTS_AT_ONCE = 4
PAGE_KEYS = 1000

CONNECT_SECONDS = 5
PART_SECONDS = 30
"""One request carries a part at most, never a whole file."""

RETRIES = 3

_CODE = re.compile(r"<Code>(\w{1,80})</Code>")
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]{1,40})")


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where a bucket is: `s3://bucket/prefix`; without an endpoint and a region, what AWS_* variables say holds."""

    url: str
    endpoint: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        return self.url if self.endpoint is None else f"{self.url} at {self.endpoint}"


class Bucket:
    """Objects below one prefix."""

    def __init__(self, place: BucketPlace) -> None:
        self.place = place
        config: S3Config = {}
        if place.endpoint is not None:
            config["endpoint"] = place.endpoint
        if place.region is not None:
            config["region"] = place.region
        self._store = S3Store.from_url(
            place.url,
            config=config,
            client_options={
                "allow_http": (place.endpoint or "").startswith("http://"),
                "connect_timeout": f"{CONNECT_SECONDS}s",
                "timeout": f"{PART_SECONDS}s",
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=PART_SECONDS)},
        )

    def size(self, key: str) -> tuple[int, str | None] | None:
        """Give an object's size in bytes and its version, None where there is none."""
        with self._clear_errors():
            try:
                found = obstore.head(self._store, key)
            except FileNotFoundError:
                return None
        return found["size"], found["e_tag"]

    def read(self, key: str, first: int, end: int, version: str | None = None) -> bytes | None:
        """Give a part of an object, None where there is none; raises when it is not of that version any more."""
        options: GetOptions = {"range": (first, end)}
        if version is not None:
            options["if_match"] = version
        with self._clear_errors():
            try:
                return bytes(obstore.get(self._store, key, options=options).bytes())
            except FileNotFoundError:
                return None

    def write(self, key: str, file: IO[bytes]) -> None:
        """Put a file in place, whole or not at all."""
        with self._clear_errors():
            obstore.put(self._store, key, file, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)

    def write_once(self, key: str, content: bytes) -> bool:
        """Put a small object where there is none; say whether it was put."""
        with self._clear_errors():
            try:
                obstore.put(self._store, key, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        with self._clear_errors():
            obstore.delete(self._store, key)

    def pages(self, prefix: str) -> Iterator[list[str]]:
        """Give all keys below a prefix, in order, a page at a time."""
        with self._clear_errors():
            for page in obstore.list(self._store, prefix, chunk_size=PAGE_KEYS):
                yield [found["path"] for found in page]

    def folders(self) -> list[str]:
        """Give the first parts of all keys."""
        with self._clear_errors():
            return sorted(obstore.list_with_delimiter(self._store)["common_prefixes"])

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise ArtifactStoreError(f"the artifact store {self.place}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Say what went wrong, in words of ours: the service's own carry keys and addresses."""
    text = str(error)
    if code := _CODE.search(text):
        return f"it refuses with {code.group(1)}"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "it refuses these credentials"
    if status := _STATUS.search(text):
        return f"it answers {status.group(1).strip()}"
    if "169.254." in text:
        return "no credentials are found for it"
    return "it does not answer in time" if "kind: Timeout" in text else "it cannot be reached"
