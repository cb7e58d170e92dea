"""Texts are cut before they are put into a channel's marks: a mark that is cut open is refused, or worse, believed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

CUT = "…"


def utf16(text: str) -> int:
    """Count as chats do that count in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int, size: Callable[[str], int] = len) -> str:
    """Give as much of a text as measures `most`, with a mark where something is missing."""
    if size(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + CUT) <= most else (low, middle - 1)
    return text[:low].rstrip() + CUT


def fitted(lines: Sequence[str], most: int, size: Callable[[str], int] = len) -> list[str]:
    """Give as many lines as measure `most` with the breaks between them; the last is cut, those behind it are gone."""
    if sum(size(line) + 1 for line in lines) <= most + 1:
        return list(lines)
    kept: list[str] = []
    left = most
    for line in lines:
        needed = size(line) + 1
        if needed > left - 2:  # room for the mark that something is missing
            break
        kept.append(line)
        left -= needed
    return [*kept, cut(lines[len(kept)] + CUT, left - 1, size)]
