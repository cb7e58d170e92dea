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
    kept: list[str] = []
    left = most
    for number, line in enumerate(lines):
        needed = size(line) + 1
        is_last = number == len(lines) - 1
        if needed <= left - (0 if is_last else 2):
            kept.append(line)
            left -= needed
            continue
        if left > 2:
            kept.append(cut(line, left - 1, size) if is_last or needed > left - 2 else line)
        if kept and not is_last and not kept[-1].endswith(CUT):
            kept[-1] += CUT
        break
    return kept
