"""What a job's work hands over: artifacts as `complete` gets them, and the shared addresses of their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from watchkeeper.domain.artifacts import (
    LOCAL_SCHEMES,
    OPENABLE,
    ArtifactKind,
    ClaimedArtifact,
    guess_kind,
    normalise_kind,
)
from watchkeeper.domain.errors import UsageError

Entry = dict[str, Any]
_CLAIM_KEYS = frozenset({"kind", "url", "path", "artifact_id", "primary", "title", "files"})
_MAY_BE_PRIMARY = OPENABLE | {ArtifactKind.SHARED_CLOUD}


class Handover:
    """The artifacts of one job.

    `files_of` gives, by an entry's path, the names of the files that it means; `shared` the addresses of files, by
    name. What an artifact is called never changes, but for a local one that its shared address takes the place of.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        files_of: Mapping[str, Sequence[str]] | None = None,
        shared: Mapping[str, str] | None = None,
    ) -> None:
        self._entries = [dict(entry) for entry in entries]
        self._files_of = files_of or {}
        self._shared = dict(shared or {})
        self._flag_primary()

    @classmethod
    def of_files(cls, names: Sequence[str]) -> Handover:
        """Hand over every file as what its name says; the page that opens is primary."""
        entries = [{"kind": guess_kind(name).value, "path": name} for name in names]
        return cls(entries, {name: [name] for name in names})

    @classmethod
    def parse(cls, text: str, shared: Mapping[str, str]) -> Handover:
        """Read ARTIFACTS_JSON; raises UsageError for what is no list of artifacts."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise UsageError(f"the artifacts are not JSON: {error}") from None
        entries = given.get("artifacts") if isinstance(given, dict) else given
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise UsageError("the artifacts are no list of objects")
        return cls(
            entries, {str(one.get("path")): [str(one["path"])] for one in entries if one.get("path")}, shared
        )

    @property
    def entries(self) -> list[Entry]:
        """Give the artifacts as `complete` is told them: by shared address where their file has one."""
        return [self._told(entry) for entry in self._entries]

    @property
    def primary_is_local(self) -> bool:
        """Say whether nobody else could open the primary; False where none is flagged."""
        return any(_is_local(entry) for entry in self.entries if entry.get("primary") is True)

    def share(self, addresses: Mapping[str, str]) -> None:
        """Learn where files stand for everybody, by their names."""
        self._shared |= addresses

    def claimed(self) -> list[ClaimedArtifact]:
        """Give them as the gate reads them; raises UsageError for what it cannot."""
        return [
            ClaimedArtifact.parse({key: value for key, value in entry.items() if key in _CLAIM_KEYS})
            for entry in self.entries
        ]

    def switch_to_shared(self) -> bool:
        """Name a local primary by its shared address, or make the only shared artifact primary instead."""
        told = self.entries
        flagged = (n for n, entry in enumerate(told) if entry.get("primary") is True and _is_local(entry))
        if (at := next(flagged, None)) is None:
            return False
        if (address := self._shared_address(told[at])) is not None:
            kept = {k: v for k, v in told[at].items() if k not in ("path", "shared_url", "artifact_id")}
            if _kind(told[at]) is ArtifactKind.PLS_FILE:
                kept["kind"] = ArtifactKind.SHARED_CLOUD.value
            self._entries[at] = {**kept, "url": address}
            return True
        others = [
            n for n, entry in enumerate(told) if not _is_local(entry) and _kind(entry) in _MAY_BE_PRIMARY
        ]
        if len(others) != 1:
            return False
        self._entries[at]["primary"] = False
        self._entries[others[0]]["primary"] = True
        return True

    def candidates(self, kind: str) -> list[Entry]:
        """Give shared files that are of a kind by their own names, and that no artifact names yet."""
        named = {entry.get("url") for entry in self.entries}
        return [
            {"kind": kind, "url": url}
            for name, url in self._shared.items()
            if guess_kind(name).value == kind and url not in named
        ]

    def add(self, entry: Entry) -> None:
        self._entries.append(dict(entry))

    def _told(self, entry: Entry) -> Entry:
        names = list(self._files_of.get(str(entry.get("path")), ()))
        opened = "index.html" if "index.html" in names else next(iter(names), "")
        if (url := self._shared.get(opened)) is None:
            return entry
        kept = {key: value for key, value in entry.items() if key != "path"}
        beside = [opened, *(name for name in self._shared if self._shared[name] == urljoin(url, quote(name)))]
        return {**kept, "url": url, "files": kept.get("files") or list(dict.fromkeys(beside))}

    def _shared_address(self, entry: Entry) -> str | None:
        for given in (entry.get("shared_url"), entry.get("url")):
            if isinstance(given, str) and given.lower().startswith(("http://", "https://")):
                return given
        where = str(entry.get("path") or unquote(urlsplit(str(entry.get("url") or "")).path))
        return self._shared.get(where) or self._shared.get(where.rpartition("/")[2])

    def _flag_primary(self) -> None:
        """Flag the only artifact that can be meant, where none is flagged."""
        if any(entry.get("primary") is True for entry in self._entries):
            return
        able = [entry for entry in self._entries if _kind(entry) in _MAY_BE_PRIMARY]
        named = [entry for entry in able if str(entry.get("path")).rpartition("/")[2] == "index.html"]
        for entry in named[:1] or (able if len(able) == 1 else []):
            entry["primary"] = True


def _kind(entry: Entry) -> ArtifactKind | None:
    try:
        return normalise_kind(entry.get("kind"))
    except UsageError:
        return None


def _is_local(entry: Entry) -> bool:
    url = entry.get("url")
    is_path = url is None and entry.get("artifact_id") is None
    return (
        is_path or _kind(entry) is ArtifactKind.PLS_FILE or str(url or "").lower().startswith(LOCAL_SCHEMES)
    )
