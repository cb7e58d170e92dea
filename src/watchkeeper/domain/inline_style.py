"""What an element's `style` says about whether its content is seen, read as a browser reads declarations.

What is in doubt leaves a text readable, so that no marker hides behind it, and draws nothing on an empty page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

_TOKEN = re.compile(
    r"/\*(?s:.*?)(?:\*/|\Z)|url\([ \t\n\r\f]*+(?![\"' \t\n\r\f])[^)]*+\)?+"
    r"|\"[^\"\n\r\f]*+[\"\n\r\f]?+|'[^'\n\r\f]*+['\n\r\f]?+|[\w-]++(?<!url)|(?s:.)",
    re.IGNORECASE,
)
_BLANKS = " \t\n\r\f"
_CLOSERS = {"(": ")", "[": "]"}
_DOUBTFUL = re.compile(r"[\\{}]")
"""Escapes and nested rules: browsers differ, and nobody writes them into a style attribute."""

_WIDE = "initial|inherit|unset"
_UNCHANGED = ("", "inherit", "unset")
_DISPLAY = re.compile(
    rf"none|contents|{_WIDE}|(?:inline|block|flex|grid|table|flow|ruby|list-item|run-in|math)\b[a-z -]*"
)
_VISIBILITY = re.compile(rf"visible|hidden|collapse|{_WIDE}")
_OPACITY = re.compile(rf"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)%?|{_WIDE}")
_FONT_SIZE = re.compile(rf"\+?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[a-z]+|%)?|[a-z-]+|{_WIDE}")
_NO_OPACITY = re.compile(r"-.*|\+?[0.]+%?")
_NO_SIZE = re.compile(r"\+?[0.]+(?:[a-z]+|%)?")
_RELATIVE_SIZE = re.compile(r"[0-9.+]+(?:em|ex|ch|cap|ic|lh|%)|larger|smaller|inherit|unset|")


class Declaration(NamedTuple):
    name: str
    value: str
    is_important: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """How what stands in an element is seen, after all that the elements around it say."""

    is_gone: bool = False
    is_invisible: bool = False
    draws_nothing: bool = False
    is_unseen: bool = False
    is_tiny: bool = False

    @property
    def reads(self) -> bool:
        """Say whether a text here may be read."""
        return not self.is_gone and not self.is_invisible

    @property
    def draws(self) -> bool:
        """Say whether a picture here is surely seen."""
        return not self.draws_nothing and not self.is_unseen

    @property
    def draws_text(self) -> bool:
        """Say whether a text here is surely seen."""
        return self.draws and not self.is_tiny

    def without_box(self) -> Sight:
        """Give the sight in an element that is never shown, whatever its style."""
        return replace(self, is_gone=True, draws_nothing=True)

    def within(self, style: str, *, has_hidden: bool) -> Sight:
        """Give the sight in an element with this style; `hidden` yields to a `display`."""
        if not style:
            return self.without_box() if has_hidden else self
        found = list(declarations(style))
        is_sure = _DOUBTFUL.search(style) is None
        display, known_display = _winner(found, "display"), _winner(found, "display", _DISPLAY)
        visibility = _winner(found, "visibility")
        known_visibility = _winner(found, "visibility", _VISIBILITY)
        size = _winner(found, "font-size", _FONT_SIZE)
        return Sight(
            is_gone=self.is_gone or (is_sure and _hides(display, has_hidden)),
            is_invisible=is_sure and _conceals(visibility, self.is_invisible),
            draws_nothing=self.draws_nothing
            or _hides(known_display, has_hidden)
            or _NO_OPACITY.fullmatch(_winner(found, "opacity", _OPACITY)) is not None,
            is_unseen=_conceals(known_visibility, self.is_unseen),
            is_tiny=_NO_SIZE.fullmatch(size) is not None
            or (self.is_tiny and _RELATIVE_SIZE.fullmatch(size) is not None),
        )


def declarations(style: str) -> Iterator[Declaration]:
    """Give the declarations of a style attribute in order, in lower case."""
    pieces: list[str] = []
    closers: list[str] = []
    for match in _TOKEN.finditer(style):
        piece = match[0]
        if piece == ";" and not closers:
            yield from _declaration("".join(pieces))
            pieces.clear()
            continue
        if piece in _CLOSERS:
            closers.append(_CLOSERS[piece])
        elif closers and piece == closers[-1]:
            closers.pop()
        pieces.append(" " if piece.startswith("/*") else piece)
    yield from _declaration("".join(pieces))


def _declaration(text: str) -> Iterator[Declaration]:
    name, colon, value = text.lower().partition(":")
    if not colon:
        return
    before, _, after = value.rpartition("!")
    is_important = after.strip(_BLANKS) == "important"
    name, value = name.strip(_BLANKS), (before if is_important else value).strip(_BLANKS)
    if name == "font":
        name, value = "font-size", "medium"
    yield Declaration(name, value, is_important)


def _winner(found: list[Declaration], name: str, known: re.Pattern[str] | None = None) -> str:
    """Give the value that wins, among those that every browser knows if `known` says which; empty without one."""
    value, is_important = "", False
    for one in found:
        if one.name not in (name, "all") or (is_important and not one.is_important):
            continue
        if known is None or known.fullmatch(one.value):
            value, is_important = one.value, one.is_important
    return value


def _hides(display: str, has_hidden: bool) -> bool:
    return display == "none" or (has_hidden and not display)


def _conceals(visibility: str, is_concealed_around: bool) -> bool:
    return visibility in ("hidden", "collapse") or (is_concealed_around and visibility in _UNCHANGED)
