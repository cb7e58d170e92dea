"""What the gate judges by, and what it says: findings about files, failed checks, the verdict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact

PENDING_MARKERS = ("pending publish", "pending_publish", "TODO: publish", "local-only", "pls_file://")
"""What an unpublished result says of itself; a setting replaces the list."""


class GateCheck(StrEnum):
    NO_PRIMARY = "no_primary"
    HTTP_STATUS = "http_status"
    NO_FILE_LIST = "no_file_list"
    EMPTY_FILE_LIST = "empty_file_list"
    FILE_UNREADABLE = "file_unreadable"
    MISSING_FILE = "missing_file"
    MISSING_KIND = "missing_kind"
    LOCAL_ONLY = "local_only"
    MARKDOWN_ONLY = "markdown_only"
    PENDING_MARKER = "pending_marker"
    EMPTY_BODY = "empty_body"
    REFUSED_ADDRESS = "refused_address"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CHANGED_SINCE_CHECK = "changed_since_check"


CONTRACT_CHECKS = frozenset(
    {GateCheck.NO_PRIMARY, GateCheck.MISSING_KIND, GateCheck.LOCAL_ONLY, GateCheck.MARKDOWN_ONLY}
)
"""What a claim itself gets wrong (`contract_rejected`); the others are about evidence (`gate_failed`)."""

_ORDER = {check: place for place, check in enumerate(GateCheck)}


@dataclass(frozen=True, slots=True)
class FailedCheck:
    check: GateCheck
    detail: str

    def to_json(self) -> dict[str, str]:
        return {"check": self.check.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is and shows, found out while it was read; its text is not kept.

    `is_cut` says that there is more text than was read; `markers` are the pending markers that a reader would see.
    """

    kind: ArtifactKind
    is_text: bool = False
    is_blank: bool = False
    is_cut: bool = False
    shows_nothing: bool = False
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFindings:
    """A file as the gate found it: stored under `artifact_id`, or fetched from `url`.

    `sha256` is what was recorded at the upload, `sha256_now` what its bytes give now (None where they were not
    read); of a fetched file they are the same. `problem` says why it could not be read.
    """

    name: str
    kind: ArtifactKind
    bytes: int
    sha256: str | None
    sha256_now: str | None
    content: Content
    artifact_id: str | None = None
    url: str | None = None
    problem: FailedCheck | None = None

    @property
    def key(self) -> str:
        """Name the place that it was read from."""
        return self.artifact_id or self.url or self.name

    @property
    def is_blank(self) -> bool:
        """Say whether there is nothing in it but blanks."""
        return self.bytes == 0 or self.content.is_blank

    def to_json(self) -> dict[str, Any]:
        facts = {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}
        return facts if self.url is None else {**facts, "url": self.url}


@dataclass(frozen=True, slots=True)
class ForeignFindings:
    """What was found at a foreign address.

    `opened` is what opens for a person: the page, or the file of a list that the address means. `listed` is its
    file list, None where none could be had. `redirects` are the addresses that led there, in order.
    """

    opened: FileFindings
    listed: tuple[FileFindings, ...] | None = None
    status: int | None = None
    redirects: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[FileFindings, ...]:
        return tuple({file.key: file for file in (self.opened, *(self.listed or ()))}.values())


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate found. `files` are those that opened: a completion binds to their hashes.

    `http_status` is how the primary opened: in the own store 200, or 404 if it is not there; None where untried.
    """

    rejected: tuple[FailedCheck, ...]
    failed: tuple[FailedCheck, ...]
    primary: ClaimedArtifact | None
    primary_file: FileFindings | None
    files: tuple[FileFindings, ...]
    http_status: int | None = None

    @classmethod
    def of(
        cls,
        failed: Iterable[FailedCheck],
        primary: ClaimedArtifact | None,
        primary_file: FileFindings | None,
        files: Iterable[FileFindings],
        http_status: int | None,
    ) -> GateVerdict:
        """Sort the failed checks into the two classes."""
        in_order = sorted(set(failed), key=lambda one: (_ORDER[one.check], one.detail))
        return cls(
            rejected=tuple(one for one in in_order if one.check in CONTRACT_CHECKS),
            failed=tuple(one for one in in_order if one.check not in CONTRACT_CHECKS),
            primary=primary,
            primary_file=primary_file,
            files=tuple(files),
            http_status=http_status,
        )

    @property
    def passed(self) -> bool:
        return not self.rejected and not self.failed

    @property
    def outcome(self) -> str:
        """Give `passed`, or the error code to answer: a claim must be mended before its evidence counts."""
        if self.rejected:
            return "contract_rejected"
        return "gate_failed" if self.failed else "passed"

    @property
    def all_failed(self) -> tuple[FailedCheck, ...]:
        return self.rejected + self.failed

    @property
    def output_hash(self) -> str:
        """Give the SHA-256 of what `verify` reports, equal for equal findings."""
        report = {"files": self.files_json(), "failed": self.failed_json()}
        canonical = json.dumps(report, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def files_json(self) -> list[dict[str, Any]]:
        return [file.to_json() for file in self.files]

    def failed_json(self) -> list[dict[str, str]]:
        return [one.to_json() for one in self.all_failed]
