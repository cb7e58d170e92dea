"""Artifacts: their kinds, the names of their files, and what `complete` may claim about them.

Whether a claim is true is for the gate (domain/gate.py) to find out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.file_names import checked_name, is_storable
from watchkeeper.domain.suggestions import did_you_mean, shown


class ArtifactKind(StrEnum):
    DASHBOARD = "dashboard"
    HTML_PAGE = "html_page"
    TOOL = "tool"
    APP = "app"
    PULL_REQUEST = "pull_request"
    REPOSITORY = "repository"
    REPORT = "report"
    MARKDOWN = "markdown"
    RUNBOOK = "runbook"
    DATA = "data"
    IMAGE = "image"
    ARCHIVE = "archive"
    LOG = "log"
    SHARED_CLOUD = "shared_cloud"
    PLS_FILE = "pls_file"
    OTHER = "other"


OPENABLE = frozenset(
    {
        ArtifactKind.DASHBOARD,
        ArtifactKind.HTML_PAGE,
        ArtifactKind.TOOL,
        ArtifactKind.APP,
        ArtifactKind.PULL_REQUEST,
        ArtifactKind.REPOSITORY,
    }
)
"""What may be primary where a contract names no kinds; shared_cloud joins when its content is such."""

ALIASES: Mapping[str, ArtifactKind] = {
    "gist": ArtifactKind.SHARED_CLOUD,
    "shared": ArtifactKind.SHARED_CLOUD,
    "cloud": ArtifactKind.SHARED_CLOUD,
    "md": ArtifactKind.MARKDOWN,
    "html": ArtifactKind.HTML_PAGE,
    "htm": ArtifactKind.HTML_PAGE,
    "page": ArtifactKind.HTML_PAGE,
    "web_page": ArtifactKind.HTML_PAGE,
    "webpage": ArtifactKind.HTML_PAGE,
    "application": ArtifactKind.APP,
    "pr": ArtifactKind.PULL_REQUEST,
    "merge_request": ArtifactKind.PULL_REQUEST,
    "repo": ArtifactKind.REPOSITORY,
    "pdf": ArtifactKind.REPORT,
    "document": ArtifactKind.REPORT,
    "doc": ArtifactKind.REPORT,
    "csv": ArtifactKind.DATA,
    "json": ArtifactKind.DATA,
    "dataset": ArtifactKind.DATA,
    "picture": ArtifactKind.IMAGE,
    "screenshot": ArtifactKind.IMAGE,
    "png": ArtifactKind.IMAGE,
    "zip": ArtifactKind.ARCHIVE,
    "tarball": ArtifactKind.ARCHIVE,
    "logs": ArtifactKind.LOG,
    "local_file": ArtifactKind.PLS_FILE,
    "file": ArtifactKind.OTHER,
}

SUFFIX_KINDS: Mapping[ArtifactKind, str] = {
    ArtifactKind.HTML_PAGE: "html htm xhtml",
    ArtifactKind.MARKDOWN: "md markdown mdx mkd",
    ArtifactKind.REPORT: "pdf docx doc odt rtf pptx ppt odp tex epub",
    ArtifactKind.DATA: "csv tsv json jsonl ndjson parquet xlsx xls ods yaml yml toml xml sqlite db npy avro",
    ArtifactKind.IMAGE: "png jpg jpeg gif webp svg bmp tif tiff ico avif heic",
    ArtifactKind.ARCHIVE: "zip tar gz tgz bz2 xz zst 7z rar whl jar",
    ArtifactKind.LOG: "log out err",
}
_SUFFIX_TO_KIND = {suffix: kind for kind, suffixes in SUFFIX_KINDS.items() for suffix in suffixes.split()}

MEDIA_TYPE_KINDS: Mapping[str, ArtifactKind] = {
    "text/html": ArtifactKind.HTML_PAGE,
    "application/xhtml+xml": ArtifactKind.HTML_PAGE,
    "text/markdown": ArtifactKind.MARKDOWN,
    "application/pdf": ArtifactKind.REPORT,
    "text/csv": ArtifactKind.DATA,
    "application/json": ArtifactKind.DATA,
    "application/xml": ArtifactKind.DATA,
    "text/xml": ArtifactKind.DATA,
    "application/zip": ArtifactKind.ARCHIVE,
    "application/gzip": ArtifactKind.ARCHIVE,
    "application/x-tar": ArtifactKind.ARCHIVE,
}

STORE_SCHEME = "artifact:"
LOCAL_SCHEMES = ("pls_file:", "file:")
MAX_CLAIMED = 1000
MAX_TITLE = 500


def normalise_kind(text: object) -> ArtifactKind:
    """Read a kind or one of its aliases; raise UsageError that names the nearest known one."""
    if not isinstance(text, str):
        raise UsageError(f"an artifact kind is text, not {shown(text)}")
    word = text.strip().lower().replace("-", "_").replace(" ", "_")
    if word in ALIASES:
        return ALIASES[word]
    try:
        return ArtifactKind(word)
    except ValueError:
        near = did_you_mean(word, [kind.value for kind in ArtifactKind])
        raise UsageError(f"unknown artifact kind {shown(text)}; {near}") from None


def guess_kind(filename: str, media_type: str | None = None) -> ArtifactKind:
    """Tell a file's kind from its name, or from its media type where the name says nothing."""
    base = filename.rsplit("/", 1)[-1].lower()
    stem, dot, suffix = base.rpartition(".")
    if dot and stem and suffix in _SUFFIX_TO_KIND:
        kind = _SUFFIX_TO_KIND[suffix]
        is_runbook = kind is ArtifactKind.MARKDOWN and "runbook" in stem
        return ArtifactKind.RUNBOOK if is_runbook else kind
    media = (media_type or "").partition(";")[0].strip().lower()
    if media.startswith("image/"):
        return ArtifactKind.IMAGE
    return MEDIA_TYPE_KINDS.get(media, ArtifactKind.OTHER)


def hash_of(claimed: Sequence[ClaimedArtifact]) -> str:
    """Give what stands for a list of claimed artifacts: the same list, sent again, has the same."""
    text = json.dumps([asdict(each) for each in claimed], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ClaimedArtifact:
    """One entry of ARTIFACTS: what an agent says it made. Exactly one of url, path and artifact_id is set."""

    kind: ArtifactKind
    url: str | None = None
    path: str | None = None
    artifact_id: str | None = None
    primary: bool = False
    title: str | None = None
    files: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, entry: object) -> ClaimedArtifact:
        """Read one entry or raise UsageError; a url of our own store, `artifact:<id>`, becomes an id."""
        if not isinstance(entry, Mapping):
            raise UsageError(f"an artifact is an object, not {shown(entry)}")
        for key in entry:
            if key not in _ENTRY_KEYS:
                raise UsageError(
                    f"unknown key {shown(key)} of an artifact; {did_you_mean(str(key), _ENTRY_KEYS)}"
                )
        if "kind" not in entry:
            raise UsageError("an artifact needs its 'kind'")
        primary = entry.get("primary", False)
        if not isinstance(primary, bool):
            raise UsageError(f"'primary' of an artifact is true or false, not {shown(primary)}")
        return cls(
            kind=normalise_kind(entry["kind"]),
            primary=primary,
            title=_text(entry, "title", MAX_TITLE),
            files=_file_names(entry.get("files")),
            **_locator(entry),
        )

    @classmethod
    def parse_all(cls, given: object) -> list[ClaimedArtifact]:
        """Read the parsed ARTIFACTS_JSON: a list of entries, or an object with that list as `artifacts`."""
        entries = given.get("artifacts") if isinstance(given, Mapping) else given
        if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
            raise UsageError(f"artifacts are a list, or an object with it as 'artifacts', not {shown(given)}")
        if len(entries) > MAX_CLAIMED:
            raise UsageError(f"{len(entries)} artifacts are too many; at most {MAX_CLAIMED}")
        return [cls.parse(entry) for entry in entries]

    @property
    def is_local_only(self) -> bool:
        """Say whether nobody but the machine that made it could open this."""
        return self.kind is ArtifactKind.PLS_FILE or (self.url or "").lower().startswith(LOCAL_SCHEMES)

    @property
    def is_foreign(self) -> bool:
        """Say whether this stands at an address outside of our own store."""
        return self.url is not None and not self.is_local_only

    @property
    def label(self) -> str:
        """Name this artifact in a message."""
        where = self.url or self.path or f"{STORE_SCHEME}{self.artifact_id}"
        return f"{self.kind} {shown(where, 200)}"


_ENTRY_KEYS = ("kind", "url", "path", "artifact_id", "primary", "title", "files")


def _locator(entry: Mapping[Any, Any]) -> dict[str, Any]:
    given = [key for key in ("url", "path", "artifact_id") if entry.get(key) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise UsageError(f"an artifact has exactly one of 'url', 'path' and 'artifact_id'; given: {found}")
    key = given[0]
    if key == "path":
        return {"path": checked_name(entry["path"])}
    value = _text(entry, key, 4096)
    if not value:
        raise UsageError(f"'{key}' of an artifact is empty")
    if key == "url" and value.startswith(STORE_SCHEME):
        key, value = "artifact_id", value.removeprefix(STORE_SCHEME).lstrip("/")
    if not value:
        raise UsageError("the artifact's url names no id after 'artifact:'")
    return {key: value}


def _text(entry: Mapping[Any, Any], key: str, limit: int) -> str | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit or not is_storable(value):
        raise UsageError(f"'{key}' of an artifact is text of at most {limit} characters, not {shown(value)}")
    return value.strip()


def _file_names(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise UsageError(f"'files' of an artifact is a list of names, not {shown(given)}")
    names = [item.get("name") if isinstance(item, Mapping) else item for item in given]
    return tuple(dict.fromkeys(checked_name(name) for name in names))


def choose_primary(
    claimed: Sequence[ClaimedArtifact], eligible: Callable[[ClaimedArtifact], bool]
) -> ClaimedArtifact | str:
    """Give the primary artifact: the flagged one, else the only eligible one; else why there is none."""
    if not claimed:
        return "no artifact was named"
    flagged = [artifact for artifact in claimed if artifact.primary]
    if len(flagged) > 1:
        return f"{len(flagged)} artifacts are flagged primary; flag one"
    if flagged:
        return flagged[0]
    candidates = [artifact for artifact in claimed if eligible(artifact)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        return f'{len(candidates)} artifacts could be primary; flag one with "primary": true'
    kinds = ", ".join(sorted({artifact.kind.value for artifact in claimed}))
    return f"none of the artifacts ({kinds}) can be primary; make something that opens, such as an HTML page"
