"""The evidence gate: what must hold before a job is called completed. docs/reference/gate.md.

A pure function of the contract, of what the agent claims, and of what was found in the store and at foreign
addresses. Every check that fails is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact, choose_primary
from watchkeeper.domain.contents import MARKDOWN_KINDS
from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.evidence import FailedCheck, FileFindings, ForeignFindings, GateCheck, GateVerdict
from watchkeeper.domain.openness import carries, counts_as, is_read_by_people, may_be_primary, primary_problem
from watchkeeper.domain.suggestions import shown

Foreign = Mapping[ClaimedArtifact, ForeignFindings]


def judge(
    contract: ResultContract,
    claimed: Sequence[ClaimedArtifact],
    manifest: Sequence[FileFindings] | None,
    foreign: Foreign | None = None,
    verified_before: Mapping[str, str] | None = None,
) -> GateVerdict:
    """Judge a claim against the files stored under the same epoch, given in the order of their upload.

    Of several files of one name the last counts. A `manifest` of None means that the list could not be had.
    `foreign` is what was found at foreign addresses, of which those that `wanted_addresses` names count;
    `verified_before` gives, by address, the hashes that passed the last `verify`.
    """
    return _Judgement(contract, claimed, manifest, foreign or {}, verified_before or {}).verdict()


def claims_of(manifest: Iterable[FileFindings]) -> list[ClaimedArtifact]:
    """Claim each stored file as what it was uploaded as: for `verify`, or a completion that names nothing."""
    return [
        ClaimedArtifact(kind=file.kind, artifact_id=file.artifact_id) for file in _latest(manifest).values()
    ]


def wanted_addresses(contract: ResultContract, claimed: Sequence[ClaimedArtifact]) -> list[ClaimedArtifact]:
    """Give the foreign artifacts that must be opened: of a required kind, and all that may become primary."""
    flagged = [artifact for artifact in claimed if artifact.primary]
    shareable = [artifact for artifact in claimed if not artifact.is_local_only]
    candidates = flagged or [
        artifact for artifact in shareable if len(shareable) == 1 or may_be_primary(contract, artifact, None)
    ]
    return [
        artifact
        for artifact in dict.fromkeys(shareable)
        if artifact.is_foreign and (artifact in candidates or artifact.kind in contract.required_kinds)
    ]


def _latest(manifest: Iterable[FileFindings]) -> dict[str, FileFindings]:
    return {file.name: file for file in manifest}


class _Judgement:
    """One run of the gate: each part adds the checks that fail, none stops at the first."""

    def __init__(
        self,
        contract: ResultContract,
        claimed: Sequence[ClaimedArtifact],
        manifest: Sequence[FileFindings] | None,
        foreign: Foreign,
        verified_before: Mapping[str, str],
    ) -> None:
        self._contract = contract
        self._claimed = claimed
        self._has_list = manifest is not None
        self._by_id = {file.artifact_id: file for file in manifest or ()}
        self._by_name = _latest(manifest or ())
        self._foreign = foreign
        self._verified_before = verified_before
        self._failed: list[FailedCheck] = []

    def verdict(self) -> GateVerdict:
        primary = self._choose()
        self._needed = [
            artifact
            for artifact in self._claimed
            if artifact.is_foreign and (artifact is primary or artifact.kind in self._contract.required_kinds)
        ]
        opened = self._find(primary) if primary else None
        self._check_list(primary)
        if primary:
            self._check_primary(primary, opened)
        named = [self._check_named(artifact, artifact is primary) for artifact in self._claimed]
        fetched = self._fetched()
        self._check_required_kinds(fetched)
        self._check_expected_files(primary)
        self._check_unchanged(fetched)
        files = {file.key: file for file in [*self._by_name.values(), *named, *fetched] if file}
        for file in files.values():
            self._check_file(file, is_primary=opened is not None and file.key == opened.key)
        seen = [file for file in files.values() if file.sha256 is not None]
        return GateVerdict.of(self._failed, primary, opened, seen, self._status(primary, opened))

    def _fail(self, check: GateCheck, detail: str) -> None:
        self._failed.append(FailedCheck(check, detail))

    def _find(self, artifact: ClaimedArtifact) -> FileFindings | None:
        """Give what opens for an artifact; nothing for an address at which nothing opened."""
        if artifact.is_foreign:
            found = self._foreign.get(artifact)
            return None if found is None or found.opened.problem else found.opened
        if artifact.artifact_id is not None:
            return self._by_id.get(artifact.artifact_id)
        return self._by_name.get(artifact.path) if artifact.path is not None else None

    def _fetched(self) -> list[FileFindings]:
        """Give the files behind the addresses that count, and name the addresses that were not opened."""
        files: list[FileFindings] = []
        for artifact in self._needed:
            if (found := self._foreign.get(artifact)) is None:
                self._fail(GateCheck.REFUSED_ADDRESS, f"{artifact.label} was not opened")
            else:
                files += found.files
        return files

    def _choose(self) -> ClaimedArtifact | None:
        chosen = choose_primary(self._claimed, self._is_eligible)
        if isinstance(chosen, ClaimedArtifact):
            return chosen
        shareable = [artifact for artifact in self._claimed if not artifact.is_local_only]
        candidates = shareable or self._claimed
        if len(candidates) == 1 and not any(artifact.primary for artifact in self._claimed):
            # The only one there is: taken as primary, so that what is wrong with it is named.
            return candidates[0]
        self._fail(GateCheck.NO_PRIMARY, chosen)
        if self._claimed and not shareable:
            self._fail(GateCheck.LOCAL_ONLY, "all that is named is local to one machine; upload the files")
        if shareable and not self._contract.takes_any_primary and all(map(self._is_markdown, shareable)):
            self._fail(
                GateCheck.MARKDOWN_ONLY, "there is only Markdown; make a page, dashboard or tool primary"
            )
        return None

    def _is_eligible(self, artifact: ClaimedArtifact) -> bool:
        return may_be_primary(self._contract, artifact, self._find(artifact))

    def _is_markdown(self, artifact: ClaimedArtifact) -> bool:
        file = self._find(artifact)
        return artifact.kind in MARKDOWN_KINDS or (file is not None and file.content.kind in MARKDOWN_KINDS)

    def _check_list(self, primary: ClaimedArtifact | None) -> None:
        if not self._has_list:
            self._fail(GateCheck.NO_FILE_LIST, "the list of the stored files could not be had")
        if primary and primary.is_foreign:
            found = self._foreign.get(primary)
            if found is None or found.opened.problem:
                return
            if found.listed is None:
                self._fail(
                    GateCheck.NO_FILE_LIST,
                    f"{primary.label} is no list of files; name its files, relative to it, in 'files'",
                )
            elif not found.listed:
                self._fail(GateCheck.EMPTY_FILE_LIST, f"the file list of {primary.label} is empty")
        elif self._has_list and not self._by_name:
            self._fail(GateCheck.EMPTY_FILE_LIST, "nothing was uploaded under this lease")

    def _check_primary(self, primary: ClaimedArtifact, file: FileFindings | None) -> None:
        problem = primary_problem(self._contract, primary, file)
        if problem:
            self._failed.append(problem)
        if primary.artifact_id is not None and file is None:
            self._fail(GateCheck.HTTP_STATUS, f"{primary.label} answers 404: not uploaded under this lease")
        if file is not None and file.problem is None:
            self._check_body(file)

    def _check_body(self, file: FileFindings) -> None:
        name = shown(file.name, 200)
        is_page = file.content.kind is ArtifactKind.HTML_PAGE
        if file.bytes < self._contract.min_bytes or file.is_blank:
            detail = f"{name} has {file.bytes} bytes" + (" of blanks" if file.is_blank and file.bytes else "")
            self._fail(
                GateCheck.EMPTY_BODY, f"{detail}; the contract wants {self._contract.min_bytes} or more"
            )
        elif is_page and not file.content.is_text:
            self._fail(GateCheck.FILE_UNREADABLE, f"{name} is called a page but is not text")
        elif file.content.shows_nothing:
            what = "nothing: no text, picture, control or script" if is_page else "no text"
            self._fail(GateCheck.EMPTY_BODY, f"{name} shows {what}")

    def _check_named(self, artifact: ClaimedArtifact, is_primary: bool) -> FileFindings | None:
        if artifact.is_foreign and artifact not in self._needed:
            return None
        file = self._find(artifact)
        if not artifact.is_foreign:
            self._check_uploaded(artifact, file, is_primary)
        if file is not None and file.problem is None and file.is_blank and not is_primary:
            self._fail(GateCheck.EMPTY_BODY, f"{shown(file.name, 200)} is empty")
        return file

    def _check_uploaded(self, artifact: ClaimedArtifact, file: FileFindings | None, is_primary: bool) -> None:
        for name in artifact.files or ():
            if self._has_list and name not in self._by_name:
                self._fail(
                    GateCheck.MISSING_FILE, f"{shown(name, 200)} is listed by {artifact.label}, not uploaded"
                )
        is_told = artifact.is_local_only or (is_primary and artifact.artifact_id is not None)
        if file is None and not is_told:
            self._fail(GateCheck.MISSING_FILE, f"{artifact.label} was not uploaded under this lease")

    def _check_required_kinds(self, fetched: Sequence[FileFindings]) -> None:
        for kind in self._contract.required_kinds:
            named = [artifact for artifact in self._claimed if artifact.kind is kind]
            found = [file for artifact in named if (file := self._find(artifact)) and carries(kind, file)]
            alike = [file for file in [*self._by_name.values(), *fetched] if counts_as(kind, file)]
            found += [file for file in alike if file.url is None or file.problem is None]
            # What did not open fails by its own name.
            is_unopened = bool(alike) or any(one.is_foreign and not self._find(one) for one in named)
            if found and all(file.is_blank for file in found):
                self._fail(GateCheck.EMPTY_BODY, f"the required {kind} {shown(found[0].name, 200)} is empty")
            elif not found and not is_unopened and not (kind is ArtifactKind.PLS_FILE and named):
                self._fail(GateCheck.MISSING_KIND, f"the contract requires a {kind} and there is none")

    def _check_expected_files(self, primary: ClaimedArtifact | None) -> None:
        """Count over the list of the primary: its own where it is foreign, else the stored files."""
        names = list(self._by_name)
        if primary and primary.is_foreign:
            found = self._foreign.get(primary)
            names = [file.name for file in (found.listed if found else None) or () if file.problem is None]
        expected = self._contract.expected_files
        if isinstance(expected, int):
            if len(names) < expected:
                self._fail(GateCheck.MISSING_FILE, f"{len(names)} of {expected} expected files are there")
            return
        for glob in expected or ():
            if not any(fnmatchcase(name, glob) for name in names):
                self._fail(GateCheck.MISSING_FILE, f"no file matches the expected {shown(glob, 200)}")

    def _check_unchanged(self, fetched: Sequence[FileFindings]) -> None:
        now = {file.url: file for file in fetched}
        for url, sha256 in self._verified_before.items():
            if (file := now.get(url)) is None:
                self._fail(
                    GateCheck.CHANGED_SINCE_CHECK, f"{shown(url, 200)} was verified and is no longer there"
                )
            elif file.sha256_now not in (None, sha256):
                self._fail(
                    GateCheck.CHANGED_SINCE_CHECK,
                    f"{shown(url, 200)} is no longer what was verified; verify what stands there now",
                )

    def _check_file(self, file: FileFindings, is_primary: bool) -> None:
        name = shown(file.name, 200)
        if file.problem is not None:
            self._failed.append(file.problem)
        elif file.sha256_now is None:
            self._fail(GateCheck.FILE_UNREADABLE, f"{name} was not read")
        elif file.sha256_now != file.sha256:
            self._fail(GateCheck.CHANGED_SINCE_CHECK, f"{name} is no longer what was uploaded")
        if not (file.content.is_text and (is_primary or is_read_by_people(file))):
            return
        if file.content.is_cut:
            self._fail(GateCheck.TOO_LARGE, f"{name} has too much text to be read whole; split it")
        for marker in file.content.markers:
            self._fail(GateCheck.PENDING_MARKER, f"{name} says {shown(marker)}: it is not published yet")

    def _status(self, primary: ClaimedArtifact | None, opened: FileFindings | None) -> int | None:
        if primary is None or primary.is_local_only:
            return None
        if primary.is_foreign:
            found = self._foreign.get(primary)
            return found.status if found else None
        return 200 if opened is not None and opened.problem is None else 404
