"""File lists of foreign pages, read from what the page says: a Gist's, and a directory index's. Pure.

Which shapes are known is written down in docs/reference/gate.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.evidence import FailedCheck, GateCheck
from watchkeeper.domain.file_names import checked_name
from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl
from watchkeeper.domain.html_tokens import Start, Text, tokens
from watchkeeper.domain.suggestions import shown

MAX_LISTED_FILES = 1000
HEADING_CHARACTERS = 200

_GIST_PATH = re.compile(r"/(?:[\w.-]+/)?([0-9a-f]{5,64})/?(?:[0-9a-f]{40}/?)?", re.ASCII)
_GIST_API_PATH = re.compile(r"(?:/[\w.-]+)*/gists/([0-9a-f]{5,64})(?:/[0-9a-f]{40})?", re.ASCII)
_GIST_RAW_PATH = re.compile(r"/(?:[\w.-]+/)?([0-9a-f]{5,64})/raw/(?:[0-9a-f]{40}/)?([^/]+)", re.ASCII)
_LINES = re.compile(r"-l[0-9]+(?:-l[0-9]+)?\Z")
_INDEX_HEADING = re.compile(
    r"\s*+(?:index of|directory listing for|directory:|files within)\s", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that a page lists; the name of a folder ends with a slash."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class FileList:
    """What a page lists, in its order. `source` is `gist`, `gist_api` or `directory_index`.

    `primary` is the file that the address itself points at, by a Gist's fragment. `problem` is what is wrong with the
    list although there is one.
    """

    source: str
    files: tuple[ListedFile, ...]
    primary: str | None = None
    problem: FailedCheck | None = None


def read_list(url: ForeignUrl, media_type: str | None, text: str) -> FileList | None:
    """Read the file list of the page at this address; None where it is none that has one."""
    if media_type == "application/json":
        return _read_json(url, text)
    if media_type not in (None, "text/html", "application/xhtml+xml"):
        return None
    return _gist_page(url, text) or _index_page(url, text)


def _read_json(url: ForeignUrl, text: str) -> FileList | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict) and _GIST_API_PATH.fullmatch(url.path):
        return _gist_document(url, document)
    return _index_document(url, document) if isinstance(document, list) else None


def _gist_document(url: ForeignUrl, document: dict[str, Any]) -> FileList | None:
    files = document.get("files")
    if not isinstance(files, dict) or document.get("truncated"):
        return None
    links = []
    for name, file in files.items():
        if not isinstance(file, dict) or not isinstance(file.get("raw_url"), str):
            return None
        links.append((name, file["raw_url"]))
    return _pointed_at(_listed("gist_api", url, links), url.fragment, {})


def _gist_page(url: ForeignUrl, text: str) -> FileList | None:
    """Read the raw links of a Gist's page, each the first after the heading of its file.

    Where the page marks no files, as mirrors may, all raw links count. A link in a rendered file comes after the raw
    link of that file, so that nothing is added to the list by what a file says.
    """
    gist = _GIST_PATH.fullmatch(url.path)
    if gist is None:
        return None
    marked: dict[str, tuple[str, str]] = {}
    unmarked: dict[str, tuple[str, str]] = {}
    anchor: str | None = None
    for tag in _starts(text):
        if "file" in tag.attributes.get("class", "").split() and tag.attributes.get("id", "").startswith(
            "file-"
        ):
            anchor = tag.attributes["id"]
        elif tag.name == "a" and (found := _raw_link(url, gist[1], tag.attributes.get("href", ""))):
            if len(unmarked) <= MAX_LISTED_FILES:
                unmarked.setdefault(found[1], found)
            if anchor is not None:
                marked.setdefault(anchor, found)
    if not unmarked:
        return None
    listed = _listed("gist", url, (marked or unmarked).values())
    return _pointed_at(listed, url.fragment, {anchor: name for anchor, (name, _) in marked.items()})


def _raw_link(page: ForeignUrl, gist: str, href: str) -> tuple[str, str] | None:
    target = _joined(page, href) if "/raw/" in href else None
    found = target and _GIST_RAW_PATH.fullmatch(target.path)
    return (unquote(found[2]), str(target)) if found and found[1] == gist else None


def _pointed_at(listed: FileList, fragment: str, anchors: dict[str, str]) -> FileList:
    """Find the file that a Gist's fragment names: by the page's own anchors, else by the rule that makes them."""
    if not fragment or listed.problem:
        return listed
    pointed = unquote(fragment).lower()
    by_anchor = {anchor.lower(): name for anchor, name in anchors.items()}
    by_rule = {f"file-{_slug(file.name)}": file.name for file in reversed(listed.files)}
    for wanted in (pointed, _LINES.sub("", pointed)):
        primary = by_anchor.get(wanted) or by_rule.get(f"file-{_slug(wanted.removeprefix('file-'))}")
        if primary is not None and wanted.startswith("file-"):
            return replace(listed, primary=primary)
    detail = f"the address points at {shown('#' + fragment)}, and the Gist has no such file"
    return replace(listed, problem=FailedCheck(GateCheck.MISSING_FILE, detail))


def _slug(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def _index_page(url: ForeignUrl, text: str) -> FileList | None:
    """Read the links after the heading of a directory index that stay below it; sort links and the parent do not."""
    is_index = False
    links: dict[str, str] = {}
    heading: str | None = None
    for token in tokens(text):
        if len(links) > MAX_LISTED_FILES:
            break
        if isinstance(token, Start):
            heading = "" if token.name == "h1" else None
            is_index = (
                is_index or _is_caddys(token) or _names_index(token.raw if token.name == "title" else None)
            )
            if (
                is_index
                and token.name == "a"
                and (found := _link_below(url, token.attributes.get("href", "")))
            ):
                links.setdefault(*found)
        elif isinstance(token, Text) and heading is not None and len(heading) < HEADING_CHARACTERS:
            heading = (heading + token.content[:HEADING_CHARACTERS]).lstrip()
            is_index = is_index or _names_index(heading)
    return _listed("directory_index", url, links.items()) if is_index else None


def _names_index(heading: str | None) -> bool:
    return heading is not None and _INDEX_HEADING.match(heading) is not None


def _is_caddys(tag: Start) -> bool:
    return tag.name == "table" and tag.attributes.get("aria-describedby") == "summary"


def _link_below(page: ForeignUrl, href: str) -> tuple[str, str] | None:
    target = _joined(page, href.partition("#")[0])
    if target is None or (target.scheme, target.authority) != (page.scheme, page.authority):
        return None
    folder = page.path.rpartition("/")[0] + "/"
    name = target.target.removeprefix(folder)
    if not target.target.startswith(folder) or not name or "?" in name:
        return None
    return unquote(name), str(replace(target, fragment=""))


def _index_document(url: ForeignUrl, entries: list[Any]) -> FileList | None:
    """Read the JSON form of a directory index, as nginx (`autoindex_format json`) and Caddy write it."""
    links, folder = [], url.path.rpartition("/")[0] + "/"
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not ("type" in entry or "is_dir" in entry):
            return None
        is_folder = entry.get("type") == "directory" or entry.get("is_dir") is True
        name = name.rstrip("/") + "/" if is_folder else name
        links.append((name, folder + quote(name)))
    return _listed("directory_index", url, links)


def _listed(source: str, page: ForeignUrl, links: Iterable[tuple[str, str]]) -> FileList:
    files: dict[str, ListedFile] = {}
    for name, link in links:
        target = _joined(page, link)
        known = _name(name)
        if target is None or known is None:
            detail = f"the listed {shown(name, 200)} cannot be opened under that name"
            return FileList(
                source, tuple(files.values()), problem=FailedCheck(GateCheck.FILE_UNREADABLE, detail)
            )
        files.setdefault(known, ListedFile(known, str(replace(target, fragment=""))))
        if len(files) > MAX_LISTED_FILES:
            detail = f"more than {MAX_LISTED_FILES} files are listed"
            return FileList(source, (), problem=FailedCheck(GateCheck.TOO_LARGE, detail))
    return FileList(source, tuple(files.values()))


def _name(text: str) -> str | None:
    try:
        return checked_name(text) + ("/" if text.endswith("/") else "")
    except UsageError:
        return None


def _joined(page: ForeignUrl, href: str) -> ForeignUrl | None:
    try:
        return page.join(href)
    except AddressRefused:
        return None


def _starts(text: str) -> Iterator[Start]:
    return (token for token in tokens(text) if isinstance(token, Start))
