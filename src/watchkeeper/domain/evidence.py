"""What the gate judges by, and what it says: stored files, failed checks, the verdict."""

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
_UNTRIED = (GateCheck.LOCAL_ONLY, GateCheck.REFUSED_ADDRESS)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the own store as the gate finds it.

    `sha256` is what was recorded at the upload, `sha256_now` what its bytes give now (None where they were
    not read). `text` is the content where it is text, up to a limit; `text_is_cut` says that there is more.
    """

    artifact_id: str
    name: str
    kind: ArtifactKind
    bytes: int
    sha256: str
    sha256_now: str | None
    text: str | None = None
    text_is_cut: bool = False
    readable: bool = True
    timed_out: bool = False
    media_type: str | None = None

    @property
    def is_blank(self) -> bool:
        """Say whether there is nothing in it but blanks."""
        return self.bytes == 0 or (
            self.text is not None and not self.text_is_cut and not self.text.strip("\0\ufeff \t\r\n\f\v")
        )


@dataclass(frozen=True, slots=True)
class FailedCheck:
    check: GateCheck
    detail: str

    def to_json(self) -> dict[str, str]:
        return {"check": self.check.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate found. `files` is what was checked: a completion binds to their hashes."""

    rejected: tuple[FailedCheck, ...]
    failed: tuple[FailedCheck, ...]
    primary: ClaimedArtifact | None
    primary_file: StoredFile | None
    files: tuple[StoredFile, ...]

    @classmethod
    def of(
        cls,
        failed: Iterable[FailedCheck],
        primary: ClaimedArtifact | None,
        primary_file: StoredFile | None,
        files: Iterable[StoredFile],
    ) -> GateVerdict:
        """Sort the failed checks into the two classes."""
        in_order = sorted(set(failed), key=lambda one: (_ORDER[one.check], one.detail))
        return cls(
            rejected=tuple(one for one in in_order if one.check in CONTRACT_CHECKS),
            failed=tuple(one for one in in_order if one.check not in CONTRACT_CHECKS),
            primary=primary,
            primary_file=primary_file,
            files=tuple(files),
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
    def http_status(self) -> int | None:
        """Give how the primary opened: 200 in the own store, 404 if not there, None where untried."""
        if self.primary is None or any(one.check in _UNTRIED for one in self.all_failed):
            return None
        return 200 if self.primary_file is not None and self.primary_file.readable else 404

    @property
    def output_hash(self) -> str:
        """Give the SHA-256 of what `verify` reports, equal for equal findings."""
        report = {"files": self.files_json(), "failed": self.failed_json()}
        canonical = json.dumps(report, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def files_json(self) -> list[dict[str, Any]]:
        return [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in self.files]

    def failed_json(self) -> list[dict[str, str]]:
        return [one.to_json() for one in self.all_failed]
