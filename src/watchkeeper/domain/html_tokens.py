"""A tokenizer for HTML that reads each character once, however broken the page.

It follows the HTML standard (13.2.5) where that decides what is seen: what is left open runs to the end of
the page. The standard library's parser takes quadratic time on hostile pages.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass


def names(text: str) -> frozenset[str]:
    """Give the set of the names in a text."""
    return frozenset(text.split())


VOID = names("area base br col embed hr img input link meta source track wbr param")
RAW = names("script style textarea title xmp iframe noembed noframes noscript")
"""Elements whose content is not markup."""

_MARKUP = re.compile(r"<(?:!--|[!?]|/[A-Za-z]|/|[A-Za-z])")
_TAG_NAME = re.compile(r"[A-Za-z][^\s/>]*+")
_ATTRIBUTE = re.compile(
    r"[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+|))?"
)
_BEFORE_TAG_END = re.compile(r"[\s/]*+")
_COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}


@dataclass(frozen=True, slots=True)
class Start:
    """A start tag, names in lower case; `raw` is what stands in an element whose content is not markup."""

    name: str
    attributes: dict[str, str]
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    content: str


def tokens(page: str) -> Iterator[Start | End | Text]:
    """Give the tags and texts of a page in order; comments, declarations and unfinished tags are left out."""
    position, length = 0, len(page)
    while position < length:
        markup = _MARKUP.search(page, position)
        begin = markup.start() if markup else length
        if begin > position:
            yield Text(html.unescape(page[position:begin]))
        if markup is None:
            return
        opener = markup[0]
        if opener == "<!--":
            end = _COMMENT_END.search(page, begin + 2)
            position = end.end() if end else length
        elif opener in ("<!", "<?", "</"):
            position = _after(page, begin, length)
        elif opener.startswith("</"):
            position = _after(page, begin, length)
            name = _TAG_NAME.match(page, begin + 2)
            if name:
                yield End(name[0].lower())
        else:
            start, position = _start_tag(page, begin, length)
            if start:
                yield start


def _after(page: str, begin: int, length: int) -> int:
    end = page.find(">", begin)
    return end + 1 if end >= 0 else length


def _start_tag(page: str, begin: int, length: int) -> tuple[Start | None, int]:
    match = _TAG_NAME.match(page, begin + 1)
    if match is None:
        return None, begin + 1
    name, position = match[0].lower(), match.end()
    attributes: dict[str, str] = {}
    while attribute := _ATTRIBUTE.match(page, position):
        key, value = attribute[1].lower(), attribute[2] or ""
        if value[:1] in ("'", '"'):
            value = value[1:].removesuffix(value[0])
        attributes.setdefault(key, html.unescape(value))
        position = attribute.end()
    gap = _BEFORE_TAG_END.match(page, position)
    position = gap.end() if gap else position
    if position >= length:
        return None, length
    position += 1
    if name not in RAW:
        return Start(name, attributes), position
    end = _RAW_END[name].search(page, position)
    raw = page[position : end.start() if end else length]
    return Start(name, attributes, raw), _after(page, end.start(), length) if end else length
