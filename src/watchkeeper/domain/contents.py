"""What a file is and shows, told from its name, its media type and its text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.domain.artifacts import ArtifactKind, guess_kind
from watchkeeper.domain.evidence import PENDING_MARKERS, Content
from watchkeeper.domain.visible_text import is_page, visible_page, visible_text

PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
MARKDOWN_KINDS = frozenset({ArtifactKind.MARKDOWN, ArtifactKind.RUNBOOK})
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_TAG = re.compile(r"<[A-Za-z!]")
_BLANKS = "\0\ufeff \t\r\n\f\v"


def look_at(
    name: str,
    media_type: str | None,
    text: str | None,
    *,
    is_cut: bool = False,
    is_served: bool = False,
    markers: Iterable[str] = PENDING_MARKERS,
) -> Content:
    """Find out all that the gate needs of a file; `text` is its text, or the part before the cut, None for none.

    `is_served` says that a browser is given `media_type` with it, so that this decides whether it is a page.
    """
    kind = served_kind(name, media_type, text) if is_served else stored_kind(name, media_type, text)
    if text is None:
        return Content(kind)
    seen = visible_page(text) if kind is ArtifactKind.HTML_PAGE else visible_text(text)
    return Content(
        kind,
        is_text=True,
        is_blank=not is_cut and not text.strip(_BLANKS),
        is_cut=is_cut,
        shows_nothing=not is_cut and seen.is_empty,
        markers=tuple(marker for marker in markers if seen.mentions(marker)),
    )


def stored_kind(name: str, media_type: str | None, text: str | None) -> ArtifactKind:
    """Tell what a file is by its name, and by its text where the name says nothing or something else."""
    kind = guess_kind(name, media_type)
    if text is None:
        return kind
    if kind is ArtifactKind.OTHER and is_page(text):
        return ArtifactKind.HTML_PAGE
    is_markdown = kind is ArtifactKind.HTML_PAGE and not _TAG.search(text) and _HEADING.search(text)
    return ArtifactKind.MARKDOWN if is_markdown else kind


def served_kind(name: str, media_type: str | None, text: str | None) -> ArtifactKind:
    """Tell what a browser would make of a file: a page is one only if it is sent as one and has markup.

    A page that is made of a Markdown file counts as that file.
    """
    by_name = guess_kind(name, media_type)
    if media_type not in PAGE_TYPES:
        return guess_kind("", media_type) if by_name is ArtifactKind.HTML_PAGE else by_name
    if by_name in MARKDOWN_KINDS:
        return by_name
    if text is None or not text.strip(_BLANKS) or _TAG.search(text):
        return ArtifactKind.HTML_PAGE
    return ArtifactKind.MARKDOWN if _HEADING.search(text) else ArtifactKind.OTHER
