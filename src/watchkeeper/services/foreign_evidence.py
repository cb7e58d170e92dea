"""Opens foreign addresses for the gate: the page, its file list, and every file of that list."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urljoin, urlsplit

from watchkeeper.domain.artifacts import ArtifactKind, ClaimedArtifact, guess_kind
from watchkeeper.domain.contents import look_at
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.evidence import (
    PENDING_MARKERS,
    Content,
    FailedCheck,
    FileFindings,
    ForeignFindings,
    GateCheck,
)
from watchkeeper.domain.file_names import checked_name
from watchkeeper.domain.foreign_lists import FileList
from watchkeeper.domain.suggestions import shown
from watchkeeper.services.fetch import Fetched, Fetching, FetchRefusedError
from watchkeeper.services.foreign_lists import list_files
from watchkeeper.services.stored_evidence import TEXT_LIMIT_BYTES, decode_text

FILES_AT_ONCE = 4
GONE = frozenset({404, 410})
OK = 200


@dataclass(frozen=True, slots=True)
class OpenedAddresses:
    """What was found, by claim, and what was fetched for it, by the address that a finding names."""

    findings: dict[ClaimedArtifact, ForeignFindings] = field(default_factory=dict)
    fetched: dict[str, Fetched] = field(default_factory=dict)


class ForeignEvidence:
    """Opens the addresses of one check. `statuses` are those that count as opened; listed files answer 200."""

    def __init__(
        self,
        fetching: Fetching,
        statuses: Collection[int] = (OK,),
        markers: Iterable[str] = PENDING_MARKERS,
    ) -> None:
        self._fetching = fetching
        self._statuses = frozenset(statuses)
        self._markers = tuple(markers)
        self._turns = asyncio.Semaphore(FILES_AT_ONCE)
        self._one_text = asyncio.Lock()
        self._answers: dict[str, Fetched] = {}
        self._opened = OpenedAddresses()

    async def open(self, wanted: Sequence[ClaimedArtifact]) -> OpenedAddresses:
        """Open addresses one after the other; what cannot be opened is found with a problem, and is no error."""
        for artifact in wanted:
            self._opened.findings[artifact] = await self._open(artifact, artifact.url or "")
        return self._opened

    async def _open(self, artifact: ClaimedArtifact, url: str) -> ForeignFindings:
        page = _Target(_file_name(url), url, artifact.kind, is_shown=True)
        try:
            fetched = await self._get(url)
        except FetchRefusedError as refused:
            return ForeignFindings(page.unread(refused.check, f"{artifact.label}: {refused.detail}"))
        redirects = tuple(step.url for step in fetched.redirects)
        if fetched.status not in self._statuses:
            told = page.unread(GateCheck.HTTP_STATUS, f"{artifact.label} answers {fetched.status}")
            return ForeignFindings(told, status=fetched.status, redirects=redirects)
        try:
            found = await self._with_list(artifact, page, fetched)
        except FetchRefusedError as refused:
            found = ForeignFindings(page.unread(refused.check, f"{artifact.label}: {refused.detail}"))
        return replace(found, status=fetched.status, redirects=redirects)

    async def _with_list(self, artifact: ClaimedArtifact, page: _Target, fetched: Fetched) -> ForeignFindings:
        listing = await list_files(self._fetching, fetched)
        if listing is None:
            opened = await self._look(page, fetched)
            if artifact.files is None:
                return ForeignFindings(opened)
            return ForeignFindings(opened, await self._listed(_declared(artifact.files, fetched.url)))
        if listing.problem is not None:
            return ForeignFindings(page.unread(listing.problem.check, listing.problem.detail))
        is_served = listing.source == "directory_index"
        folders = tuple(file.name for file in listing.files if file.name.endswith("/"))
        if folders and artifact.files is None:
            detail = f"{shown(folders[0], 200)} is listed: folders are not opened; name what counts in files"
            return ForeignFindings(page.unread(GateCheck.NO_FILE_LIST, detail))
        files = [file for file in listing.files if not file.name.endswith("/")]
        targets = [_Target.listed(file.name, file.url, is_shown=is_served) for file in files]
        named = sorted(set(artifact.files or ()) - {file.name for file in files})
        targets += _declared([name for name in named if name.startswith(folders)], fetched.url)
        listed = await self._listed(targets)
        listed += tuple(
            target.missing()
            for target in _declared([name for name in named if not name.startswith(folders)], fetched.url)
        )
        return ForeignFindings(_meant(listing, listed, page), listed)

    async def _listed(self, targets: Sequence[_Target]) -> tuple[FileFindings, ...]:
        return tuple(await asyncio.gather(*map(self._open_listed, targets)))

    async def _open_listed(self, target: _Target) -> FileFindings:
        name = shown(target.name, 200)
        async with self._turns:
            try:
                fetched = await self._get(target.url)
                if fetched.status in GONE:
                    return target.missing()
                if fetched.status != OK:
                    detail = f"{name} is listed and answers {fetched.status}"
                    return target.unread(GateCheck.FILE_UNREADABLE, detail)
                return await self._look(target, fetched)
            except FetchRefusedError as refused:
                # An answer that never came is a file that nobody can read, as one with a wrong status is.
                check = refused.check
                check = GateCheck.FILE_UNREADABLE if check is GateCheck.HTTP_STATUS else check
                return target.unread(check, f"{name}: {refused.detail}")

    async def _get(self, url: str) -> Fetched:
        """Fetch an address once in a check: what is judged is what is hashed and kept."""
        if url not in self._answers:
            self._answers[url] = await self._fetching.get(url)
        return self._answers[url]

    async def _look(self, target: _Target, fetched: Fetched) -> FileFindings:
        async with self._one_text:
            content = await self._fetching.in_time(self._content, target, fetched)
        self._opened.fetched[target.url] = fetched
        return FileFindings(
            name=target.name,
            kind=target.kind,
            bytes=fetched.bytes,
            sha256=fetched.sha256,
            sha256_now=fetched.sha256,
            content=content,
            url=target.url,
        )

    def _content(self, target: _Target, fetched: Fetched) -> Content:
        with fetched.body.open("rb") as file:
            head = file.read(TEXT_LIMIT_BYTES)
            is_cut = bool(file.read(1))
        return look_at(
            target.name,
            fetched.media_type,
            decode_text(head, is_cut=is_cut),
            is_cut=is_cut,
            is_served=target.is_shown,
            markers=self._markers,
        )


@dataclass(frozen=True, slots=True)
class _Target:
    """A file to fetch; `is_shown` says that a browser shows it as it is sent."""

    name: str
    url: str
    kind: ArtifactKind
    is_shown: bool

    @classmethod
    def listed(cls, name: str, url: str, *, is_shown: bool = True) -> _Target:
        return cls(name, url, guess_kind(name), is_shown)

    def unread(self, check: GateCheck, detail: str) -> FileFindings:
        return FileFindings(
            name=self.name,
            kind=self.kind,
            bytes=0,
            sha256=None,
            sha256_now=None,
            content=Content(guess_kind(self.name)),
            url=self.url,
            problem=FailedCheck(check, detail),
        )

    def missing(self) -> FileFindings:
        return self.unread(GateCheck.MISSING_FILE, f"{shown(self.name, 200)} is listed and not there")


def _declared(names: Iterable[str], page: str) -> list[_Target]:
    return [_Target.listed(name, urljoin(page, quote(name))) for name in names]


def _meant(listing: FileList, listed: Sequence[FileFindings], page: _Target) -> FileFindings:
    """Choose what opens for a person: what the address names, index.html, the only page, or the first file."""
    files = {file.name: file for file in listed}
    pages = [name for name in files if guess_kind(name) is ArtifactKind.HTML_PAGE]
    if listing.primary is not None:
        return files[listing.primary]
    if listing.source != "directory_index":
        return page.unread(
            GateCheck.NO_PRIMARY, "the address names none of the Gist's files; end it with #file-..."
        )
    if not files:
        return page.unread(GateCheck.EMPTY_FILE_LIST, f"{shown(page.url, 200)} lists no file")
    chosen = "index.html" if "index.html" in files else pages[0] if len(pages) == 1 else next(iter(files))
    return files[chosen]


def _file_name(url: str) -> str:
    """Name the page of an address: as its last part does, or `index` where that names no file."""
    try:
        return checked_name(unquote(urlsplit(url).path.rpartition("/")[2]))
    except (UsageError, ValueError):
        return "index"
