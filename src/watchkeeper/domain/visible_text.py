"""What a person would see of a text file: the text of an HTML page without its hidden parts.

Hidden are comments, scripts, styles, templates, and elements with `hidden` or an inline style that hides
them; style sheets are not evaluated.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, field

from watchkeeper.domain.html_tokens import VOID, End, Start, Text, names, tokens
from watchkeeper.domain.inline_style import Sight

_COMMENT = re.compile(r"<!--(?s:.*?)(?:-->|\Z)")
_COMMENT_START = re.compile(r"\ufeff?\s*+<!--")
_DOCUMENT_START = re.compile(r"\ufeff?\s*+<(?:!doctype\s++html|html|head|body)(?![\w-])", re.IGNORECASE)
_RUNNING_SCRIPT = re.compile(r"(?:(?:text|application)/(?:x-)?(?:java|ecma)script|module)?", re.IGNORECASE)
_PARAGRAPH_END = re.compile(r"\n[ \t\r]*+(?=\n)")

_UNSEEN = names("style noembed noframes noscript template datalist")
_SHOWN_RAW = names("textarea xmp")
_DRAWING = names(
    "svg canvas video audio picture iframe object embed math button select textarea meter progress"
)
_INLINE = names(
    "a abbr b bdi bdo big br cite code data del dfn em font i ins kbd label mark q s samp small span strike "
    "strong sub sup time tt u var wbr"
)
_SIBLINGS = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "tr": frozenset({"tr"}),
    "tbody": frozenset({"tbody", "thead", "tfoot"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "option": frozenset({"option"}),
}
_ENDS_NO_SIBLING = names("ul ol dl table tr select")
_LOOK_BACK = 64
_PAGES_WITHIN = 4
"""A page in a `srcdoc` within so many is read as plain text: each takes the time of all that it holds."""

_SHOWN_ATTRIBUTES = ("placeholder", "value", "alt", "title", "label")
_LINK_ATTRIBUTES = ("href", "src", "action", "poster", "data")

_UNSEEN_CHARACTERS = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_TRANSLATION = {
    **_UNSEEN_CHARACTERS,
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"), "-"),
}


@dataclass(slots=True)
class Visible:
    """What is to be seen: text by blocks, what attributes show, where links lead, whether anything is drawn.

    A text may be readable by those who mark it though it is not drawn.
    """

    blocks: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    draws: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether a person would see nothing: no text, no picture, no control, no script."""
        return not self.draws

    def mentions(self, marker: str) -> bool:
        """Say whether the marker can be read; one that is a URL's beginning counts in links too."""
        needle = plain(marker)
        places = [*self.blocks, *self.shown, *(self.links if needle.endswith("://") else ())]
        return bool(needle) and any(needle in place for place in places)


def plain(text: str) -> str:
    """Bring a text to the form in which it is compared: one case, one blank, one dash, nothing unseen."""
    return " ".join(text.translate(_TRANSLATION).casefold().split())


def is_page(text: str) -> bool:
    """Say whether a text is an HTML document, whatever its file is called."""
    position = 0
    while comment := _COMMENT_START.match(text, position):
        end = text.find("-->", comment.end())
        if end < 0:
            return False
        position = end + 3
    return _DOCUMENT_START.match(text, position) is not None


def visible_text(text: str) -> Visible:
    """Read a text that is no page: all of it is seen but the comments that Markdown hides."""
    blocks = map(plain, _PARAGRAPH_END.split(_COMMENT.sub(" ", text)))
    seen = [block for block in blocks if block]
    return Visible(blocks=seen, draws=bool(seen))


def visible_page(page: str) -> Visible:
    """Read an HTML page."""
    return _Reader(_PAGES_WITHIN).read(page)


class _Reader:
    """Keeps the open elements as a browser would, as far as that decides what is hidden."""

    def __init__(self, pages_within: int) -> None:
        self._pages_within = pages_within
        self._visible = Visible()
        self._pieces: list[str] = []
        self._open: list[tuple[str, Sight]] = []
        self._names: Counter[str] = Counter()

    def read(self, page: str) -> Visible:
        for token in tokens(page):
            match token:
                case Text(content):
                    self._text(content, self._sight)
                case End(name):
                    self._separate(name)
                    if self._names[name]:
                        self._close(name)
                case Start():
                    self._start(token)
        self._separate("")
        return self._visible

    @property
    def _sight(self) -> Sight:
        return self._open[-1][1] if self._open else Sight()

    def _text(self, content: str, sight: Sight) -> None:
        if sight.reads:
            self._pieces.append(content)
        if sight.draws_text and not self._visible.draws:
            self._visible.draws = bool(plain(content))

    def _start(self, tag: Start) -> None:
        self._separate(tag.name)
        self._end_implied(tag.name)
        sight = _sight_in(tag, self._sight)
        if tag.name == "script" and not self._names["template"]:
            self._visible.draws |= _runs(tag)
        elif tag.name == "title":
            self._visible.shown.append(plain(html.unescape(tag.raw or "")))
        elif sight.reads or sight.draws:
            self._show(tag, sight)
        if tag.raw is None and tag.name not in VOID:
            self._open.append((tag.name, sight))
            self._names[tag.name] += 1

    def _show(self, tag: Start, sight: Sight) -> None:
        attributes = tag.attributes
        if tag.name == "iframe" and "srcdoc" in attributes:
            self._page_within(attributes["srcdoc"], sight)
        elif sight.draws:
            self._visible.draws |= tag.name in _DRAWING or tag.name == "input"
            self._visible.draws |= tag.name == "img" and bool(
                attributes.get("src") or attributes.get("srcset")
            )
        if not sight.reads:
            return
        self._visible.shown += [plain(attributes[key]) for key in _SHOWN_ATTRIBUTES if key in attributes]
        self._visible.links += [plain(attributes[key]) for key in _LINK_ATTRIBUTES if key in attributes]
        if tag.raw is not None and tag.name in _SHOWN_RAW:
            self._text(html.unescape(tag.raw), sight)

    def _page_within(self, page: str, sight: Sight) -> None:
        is_read = self._pages_within > 0
        within = _Reader(self._pages_within - 1).read(page) if is_read else visible_text(page)
        if sight.reads:
            self._visible.blocks += within.blocks
            self._visible.shown += within.shown
            self._visible.links += within.links
        self._visible.draws |= sight.draws and within.draws

    def _separate(self, name: str) -> None:
        if name == "br":
            self._pieces.append(" ")
        if name in _INLINE:
            return
        block = plain("".join(self._pieces))
        self._pieces.clear()
        if block:
            self._visible.blocks.append(block)

    def _end_implied(self, name: str) -> None:
        if self._names["p"] and name not in _INLINE and name not in VOID - {"hr"} and name not in _DRAWING:
            self._close("p")
        siblings = _SIBLINGS.get(name)
        if siblings is None:
            return
        for open_name, _sight in self._open[: -_LOOK_BACK - 1 : -1]:
            if open_name in siblings:
                self._close(open_name)
                return
            if open_name in _ENDS_NO_SIBLING:
                return

    def _close(self, name: str) -> None:
        closed = ""
        while closed != name:
            closed, _ = self._open.pop()
            self._names[closed] -= 1


def _sight_in(tag: Start, around: Sight) -> Sight:
    attributes = tag.attributes
    is_hidden_input = tag.name == "input" and attributes.get("type", "").strip().lower() == "hidden"
    if tag.name in _UNSEEN or is_hidden_input:
        return around.without_box()
    return around.within(attributes.get("style", ""), has_hidden="hidden" in attributes)


def _runs(script: Start) -> bool:
    kind = script.attributes.get("type", "").strip()
    has_body = bool(script.attributes.get("src") or (script.raw or "").strip())
    return has_body and _RUNNING_SCRIPT.fullmatch(kind) is not None
