"""The evidence gate: what must hold before a job is called completed. docs/reference/gate.md.

A pure function of the contract, of what the agent claims, and of what was found in the store. Every check
that fails is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, ClaimedArtifact, choose_primary
from watchkeeper.domain.contracts import Publish, ResultContract
from watchkeeper.domain.evidence import PENDING_MARKERS, FailedCheck, GateCheck, GateVerdict, StoredFile
from watchkeeper.domain.openness import (
    MARKDOWN_KINDS,
    carries,
    content_kind,
    counts_as,
    is_read_by_people,
    primary_problem,
    seen_in,
)
from watchkeeper.domain.suggestions import shown


def judge(
    contract: ResultContract,
    claimed: Sequence[ClaimedArtifact],
    manifest: Sequence[StoredFile] | None,
    markers: Iterable[str] = PENDING_MARKERS,
) -> GateVerdict:
    """Judge a claim against the files stored under the same epoch, given in the order of their upload.

    Of several files of one name the last counts. A `manifest` of None means that the list could not be had.
    """
    return _Judgement(contract, claimed, manifest, tuple(markers)).verdict()


def claims_of(manifest: Iterable[StoredFile]) -> list[ClaimedArtifact]:
    """Claim each stored file as what it was uploaded as: for `verify`, or a completion that names nothing."""
    return [
        ClaimedArtifact(kind=file.kind, artifact_id=file.artifact_id) for file in _latest(manifest).values()
    ]


def _latest(manifest: Iterable[StoredFile]) -> dict[str, StoredFile]:
    return {file.name: file for file in manifest}


class _Judgement:
    """One run of the gate: each part adds the checks that fail, none stops at the first."""

    def __init__(
        self,
        contract: ResultContract,
        claimed: Sequence[ClaimedArtifact],
        manifest: Sequence[StoredFile] | None,
        markers: tuple[str, ...],
    ) -> None:
        self._contract = contract
        self._claimed = claimed
        self._markers = markers
        self._has_list = manifest is not None
        self._by_id = {file.artifact_id: file for file in manifest or ()}
        self._by_name = _latest(manifest or ())
        self._failed: list[FailedCheck] = []

    def verdict(self) -> GateVerdict:
        primary = self._choose()
        primary_file = self._find(primary) if primary else None
        self._check_list(primary)
        if primary:
            self._check_primary(primary, primary_file)
        named = [self._check_named(artifact, artifact is primary) for artifact in self._claimed]
        self._check_required_kinds()
        self._check_expected_files()
        files = {file.artifact_id: file for file in [*self._by_name.values(), *named] if file}
        for file in files.values():
            self._check_file(file, is_primary=file is primary_file)
        return GateVerdict.of(self._failed, primary, primary_file, files.values())

    def _fail(self, check: GateCheck, detail: str) -> None:
        self._failed.append(FailedCheck(check, detail))

    def _find(self, artifact: ClaimedArtifact) -> StoredFile | None:
        if artifact.artifact_id is not None:
            return self._by_id.get(artifact.artifact_id)
        return self._by_name.get(artifact.path) if artifact.path is not None else None

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
        file = self._find(artifact)
        if self._contract.takes_any_primary:
            return artifact.kind in OPENABLE and (file is None or carries(artifact.kind, file))
        return primary_problem(self._contract, artifact, file) is None

    def _is_markdown(self, artifact: ClaimedArtifact) -> bool:
        file = self._find(artifact)
        return artifact.kind in MARKDOWN_KINDS or (file is not None and content_kind(file) in MARKDOWN_KINDS)

    def _check_list(self, primary: ClaimedArtifact | None) -> None:
        if not self._has_list:
            self._fail(GateCheck.NO_FILE_LIST, "the list of the stored files could not be had")
        elif not self._by_name and not (primary and primary.url):
            self._fail(GateCheck.EMPTY_FILE_LIST, "nothing was uploaded under this lease")

    def _check_primary(self, primary: ClaimedArtifact, file: StoredFile | None) -> None:
        problem = primary_problem(self._contract, primary, file)
        if problem:
            self._failed.append(problem)
        if self._contract.publish is Publish.EXTERNAL:
            self._fail(
                GateCheck.REFUSED_ADDRESS,
                "the contract wants an external address, and this version opens files of its own store "
                'only; set "publish" to "store" or "any"',
            )
        if primary.url is not None and not primary.is_local_only:
            self._refuse(primary)
        elif primary.artifact_id is not None and file is None:
            self._fail(GateCheck.HTTP_STATUS, f"{primary.label} answers 404: not uploaded under this lease")
        if file is not None and file.readable:
            self._check_body(file)

    def _check_body(self, file: StoredFile) -> None:
        name = shown(file.name, 200)
        if file.bytes < self._contract.min_bytes or file.is_blank:
            detail = f"{name} has {file.bytes} bytes" + (" of blanks" if file.is_blank and file.bytes else "")
            self._fail(
                GateCheck.EMPTY_BODY, f"{detail}; the contract wants {self._contract.min_bytes} or more"
            )
        elif content_kind(file) is ArtifactKind.HTML_PAGE and file.text is None:
            self._fail(GateCheck.FILE_UNREADABLE, f"{name} is called a page but is not text")
        elif content_kind(file) is ArtifactKind.HTML_PAGE and not file.text_is_cut and seen_in(file).is_empty:
            self._fail(GateCheck.EMPTY_BODY, f"{name} shows nothing: no text, picture, control or script")
        elif file.text is not None and not file.text_is_cut and seen_in(file).is_empty:
            self._fail(GateCheck.EMPTY_BODY, f"{name} shows no text")

    def _check_named(self, artifact: ClaimedArtifact, is_primary: bool) -> StoredFile | None:
        for name in artifact.files or ():
            if self._has_list and name not in self._by_name:
                self._fail(
                    GateCheck.MISSING_FILE, f"{shown(name, 200)} is listed by {artifact.label}, not uploaded"
                )
        file = self._find(artifact)
        if file is None and artifact.url is None and not artifact.is_local_only:
            if not (is_primary and artifact.artifact_id is not None):
                self._fail(GateCheck.MISSING_FILE, f"{artifact.label} was not uploaded under this lease")
        elif file is not None and file.readable and file.is_blank and not is_primary:
            self._fail(GateCheck.EMPTY_BODY, f"{shown(file.name, 200)} is empty")
        return file

    def _check_required_kinds(self) -> None:
        for kind in self._contract.required_kinds:
            named = [artifact for artifact in self._claimed if artifact.kind is kind]
            found = [file for artifact in named if (file := self._find(artifact)) and carries(kind, file)]
            found += [file for file in self._by_name.values() if counts_as(kind, file)]
            foreign = [artifact for artifact in named if artifact.url and not artifact.is_local_only]
            if found and all(file.is_blank for file in found):
                self._fail(GateCheck.EMPTY_BODY, f"the required {kind} {shown(found[0].name, 200)} is empty")
            elif not found and foreign:
                self._refuse(foreign[0])
            elif not found and not (kind is ArtifactKind.PLS_FILE and named):
                self._fail(GateCheck.MISSING_KIND, f"the contract requires a {kind} and there is none")

    def _check_expected_files(self) -> None:
        expected = self._contract.expected_files
        if isinstance(expected, int):
            if len(self._by_name) < expected:
                self._fail(
                    GateCheck.MISSING_FILE, f"{len(self._by_name)} of {expected} expected files are there"
                )
            return
        for glob in expected or ():
            if not any(fnmatchcase(name, glob) for name in self._by_name):
                self._fail(GateCheck.MISSING_FILE, f"no file matches the expected {shown(glob, 200)}")

    def _check_file(self, file: StoredFile, is_primary: bool) -> None:
        name = shown(file.name, 200)
        if file.timed_out:
            self._fail(GateCheck.TIMEOUT, f"{name} could not be read in time")
        elif not file.readable or file.sha256_now is None:
            self._fail(GateCheck.FILE_UNREADABLE, f"{name} cannot be read from the store")
        elif file.sha256_now != file.sha256:
            self._fail(GateCheck.CHANGED_SINCE_CHECK, f"{name} is no longer what was uploaded")
        if file.text is None or not (is_primary or is_read_by_people(file)):
            return
        if file.text_is_cut:
            self._fail(GateCheck.TOO_LARGE, f"{name} has too much text to be read whole; split it")
        seen = seen_in(file)
        for marker in self._markers:
            if seen.mentions(marker):
                self._fail(GateCheck.PENDING_MARKER, f"{name} says {shown(marker)}: it is not published yet")

    def _refuse(self, artifact: ClaimedArtifact) -> None:
        self._fail(
            GateCheck.REFUSED_ADDRESS,
            f"{artifact.label} is outside; this version opens files of its own store only: upload the file "
            "with upload-files and name it by path or artifact_id",
        )
