"""Whether a stored file is what it is claimed to be: nothing is relabelled to pass the gate."""

from __future__ import annotations

import re

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, ClaimedArtifact, guess_kind
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.evidence import FailedCheck, GateCheck, StoredFile
from watchkeeper.domain.suggestions import shown
from watchkeeper.domain.visible_text import Visible, is_page, visible_page, visible_text

MARKDOWN_KINDS = frozenset({ArtifactKind.MARKDOWN, ArtifactKind.RUNBOOK})
_PAGE_KINDS = frozenset({ArtifactKind.DASHBOARD, ArtifactKind.HTML_PAGE, ArtifactKind.SHARED_CLOUD})
_TOOL_CONTENTS = frozenset({ArtifactKind.HTML_PAGE, ArtifactKind.ARCHIVE, ArtifactKind.OTHER})
_READ_BY_PEOPLE = OPENABLE | MARKDOWN_KINDS | {ArtifactKind.REPORT, ArtifactKind.SHARED_CLOUD}
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_TAG = re.compile(r"<[A-Za-z!]")


def content_kind(file: StoredFile) -> ArtifactKind:
    """Tell what a file is by its name, and by its content where the name says nothing or something else."""
    kind = guess_kind(file.name, file.media_type)
    if file.text is None:
        return kind
    if kind is ArtifactKind.OTHER and is_page(file.text):
        return ArtifactKind.HTML_PAGE
    is_markdown = kind is ArtifactKind.HTML_PAGE and not _TAG.search(file.text) and _HEADING.search(file.text)
    return ArtifactKind.MARKDOWN if is_markdown else kind


def carries(kind: ArtifactKind, file: StoredFile) -> bool:
    """Say whether a file can be an artifact of this kind; only what must open is judged by its content."""
    if kind in _PAGE_KINDS - {ArtifactKind.SHARED_CLOUD}:
        return content_kind(file) is ArtifactKind.HTML_PAGE
    return kind not in OPENABLE or content_kind(file) in _TOOL_CONTENTS


def counts_as(kind: ArtifactKind, file: StoredFile) -> bool:
    """Say whether a file that nobody claimed gives the contract this kind: as uploaded, or as it is."""
    content = content_kind(file)
    is_markdown = kind is ArtifactKind.MARKDOWN and content in MARKDOWN_KINDS
    return is_markdown or (kind in (file.kind, content) and carries(kind, file))


def primary_problem(
    contract: ResultContract, artifact: ClaimedArtifact, file: StoredFile | None
) -> FailedCheck | None:
    """Give why this artifact cannot be the contract's primary, None where it can."""
    if artifact.is_local_only:
        return FailedCheck(
            GateCheck.LOCAL_ONLY,
            f"{artifact.label} is local to one machine; upload the file with upload-files and name that",
        )
    kinds = contract.primary_kinds
    if kinds is None:
        return None
    is_markdown = artifact.kind in MARKDOWN_KINDS or (
        file is not None and content_kind(file) in MARKDOWN_KINDS
    )
    if is_markdown and not kinds & MARKDOWN_KINDS:
        return FailedCheck(
            GateCheck.MARKDOWN_ONLY,
            f"{artifact.label} is Markdown; make a page, dashboard or tool primary and keep this beside it",
        )
    wanted = ", ".join(sorted(kind.value for kind in kinds))
    shares_a_page = artifact.kind is ArtifactKind.SHARED_CLOUD and contract.asks_for_openable
    if artifact.kind not in kinds and not shares_a_page:
        return FailedCheck(
            GateCheck.NO_PRIMARY, f"{artifact.label} cannot be primary; the contract takes {wanted}"
        )
    if file is None:
        return None
    is_right = carries(artifact.kind, file)
    if shares_a_page:
        is_right = content_kind(file) is ArtifactKind.HTML_PAGE
    if not is_right:
        really = f"{shown(file.name, 200)} is {content_kind(file)}"
        return FailedCheck(GateCheck.NO_PRIMARY, f"{artifact.label} does not open as such: {really}")
    return None


def is_read_by_people(file: StoredFile) -> bool:
    """Say whether a marker in this file tells a person something; logs and data may quote anything."""
    return not {file.kind, content_kind(file)}.isdisjoint(_READ_BY_PEOPLE) or file.name.lower().endswith(
        ".txt"
    )


def seen_in(file: StoredFile) -> Visible:
    """Give what a person would see of a file that is text."""
    text = file.text or ""
    return visible_page(text) if content_kind(file) is ArtifactKind.HTML_PAGE else visible_text(text)
