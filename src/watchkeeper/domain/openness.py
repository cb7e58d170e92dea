"""Whether a file is what it is claimed to be: nothing is relabelled to pass the gate."""

from __future__ import annotations

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, ClaimedArtifact
from watchkeeper.domain.contents import MARKDOWN_KINDS
from watchkeeper.domain.contracts import Publish, ResultContract
from watchkeeper.domain.evidence import FailedCheck, FileFindings, GateCheck
from watchkeeper.domain.suggestions import shown

_PAGE_KINDS = frozenset({ArtifactKind.DASHBOARD, ArtifactKind.HTML_PAGE, ArtifactKind.SHARED_CLOUD})
_TOOL_CONTENTS = frozenset({ArtifactKind.HTML_PAGE, ArtifactKind.ARCHIVE, ArtifactKind.OTHER})
_READ_BY_PEOPLE = OPENABLE | MARKDOWN_KINDS | {ArtifactKind.REPORT, ArtifactKind.SHARED_CLOUD}


def carries(kind: ArtifactKind, file: FileFindings) -> bool:
    """Say whether a file can be an artifact of this kind; only what must open is judged by its content."""
    if kind in _PAGE_KINDS - {ArtifactKind.SHARED_CLOUD}:
        return file.content.kind is ArtifactKind.HTML_PAGE
    return kind not in OPENABLE or file.content.kind in _TOOL_CONTENTS


def counts_as(kind: ArtifactKind, file: FileFindings) -> bool:
    """Say whether a file that nobody claimed gives the contract this kind: as uploaded, or as it is."""
    content = file.content.kind
    is_markdown = kind is ArtifactKind.MARKDOWN and content in MARKDOWN_KINDS
    return is_markdown or (kind in (file.kind, content) and carries(kind, file))


def may_be_primary(contract: ResultContract, artifact: ClaimedArtifact, file: FileFindings | None) -> bool:
    """Say whether an artifact that nobody flagged could be meant as the primary."""
    if not contract.takes_any_primary:
        return primary_problem(contract, artifact, file) is None
    opens = artifact.kind in OPENABLE and (file is None or carries(artifact.kind, file))
    return opens and _place_problem(contract, artifact) is None


def primary_problem(
    contract: ResultContract, artifact: ClaimedArtifact, file: FileFindings | None
) -> FailedCheck | None:
    """Give why this artifact cannot be the contract's primary, None where it can."""
    if artifact.is_local_only:
        return FailedCheck(
            GateCheck.LOCAL_ONLY,
            f"{artifact.label} is local to one machine; upload the file with upload-files and name that",
        )
    if (misplaced := _place_problem(contract, artifact)) is not None:
        return misplaced
    kinds = contract.primary_kinds
    if kinds is None:
        return None
    is_markdown = artifact.kind in MARKDOWN_KINDS or (
        file is not None and file.content.kind in MARKDOWN_KINDS
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
        is_right = file.content.kind is ArtifactKind.HTML_PAGE
    if not is_right:
        really = f"{shown(file.name, 200)} is {file.content.kind}"
        return FailedCheck(GateCheck.NO_PRIMARY, f"{artifact.label} does not open as such: {really}")
    return None


def _place_problem(contract: ResultContract, artifact: ClaimedArtifact) -> FailedCheck | None:
    """Give why the primary may not stand where this artifact does, None where it may."""
    if contract.publish is Publish.EXTERNAL and not artifact.is_foreign:
        wanted = "at an external address: publish it, and name its url"
    elif contract.publish is Publish.STORE and artifact.is_foreign:
        wanted = "in our own store: upload it with upload-files, and name it by path or artifact_id"
    else:
        return None
    return FailedCheck(GateCheck.NO_PRIMARY, f"the contract wants {artifact.label} {wanted}")


def is_read_by_people(file: FileFindings) -> bool:
    """Say whether a marker in this file tells a person something; logs and data may quote anything."""
    return not {file.kind, file.content.kind}.isdisjoint(_READ_BY_PEOPLE) or file.name.lower().endswith(
        ".txt"
    )
