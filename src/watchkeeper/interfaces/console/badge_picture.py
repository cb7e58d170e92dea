"""A status badge as a picture, drawn by a table of widths: no font is measured, every viewer sees it alike."""

from __future__ import annotations

from markupsafe import Markup

from watchkeeper.domain.badges import BadgeKind, BadgeStatus, Tone
from watchkeeper.interfaces.console.i18n import Language, message

_NARROW, _WIDE = "iljtf.,:;'|!()[] ", "mwMWQO@%"
HEIGHT = 20
PADDING = 6

COLOURS: dict[Tone, str] = {
    Tone.OK: "#17694c",
    Tone.WARN: "#80500b",
    Tone.BAD: "#a5302a",
    Tone.PLAIN: "#1f5f95",
    Tone.UNKNOWN: "#5b6672",
}
"""White on each has a contrast of 4.5 at least."""

LABELS: dict[BadgeKind, str] = {
    BadgeKind.STATE: message("work"),
    BadgeKind.SLO: message("objectives"),
    BadgeKind.STAGES: message("stages"),
    BadgeKind.MATURITY: message("maturity"),
}

WORDS: dict[str, str] = {
    "ok": message("well"),
    "needs_people": message("needs people"),
    "unknown": message("unknown"),
    "ticket": message("burns slowly"),
    "page": message("burns fast"),
    "spent": message("budget spent"),
    "pass": message("passed"),
    "fail": message("failed"),
    "not_due": message("not due yet"),
    "level": message("level"),
}

SHAPES: dict[Tone, str] = {
    Tone.OK: "✓",
    Tone.WARN: "!",
    Tone.BAD: "✕",
    Tone.PLAIN: "•",
    Tone.UNKNOWN: "?",
}


def drawn(status: BadgeStatus, language: Language) -> str:
    """Draw a badge: what it is about, then a shape, a word and a colour that say the same."""
    said = language.translations.gettext
    label = said(LABELS[status.kind])
    number = "" if status.number is None else f" {status.number}"
    word = f"{SHAPES[status.tone]} {said(WORDS[status.word])}{number}"
    left, right = width(label) + 2 * PADDING, width(word) + 2 * PADDING
    return str(
        Markup(_PICTURE).format(  # noqa: S704 - ours; what is filled in is escaped
            language=language.tag,
            all=left + right,
            height=HEIGHT,
            left=left,
            right=right,
            colour=COLOURS[status.tone],
            label=label,
            word=word,
            label_at=PADDING,
            label_width=left - 2 * PADDING,
            word_at=left + PADDING,
            word_width=right - 2 * PADDING,
        )
    )


def width(text: str) -> int:
    """Give the width of a text in pixels, of 11 px letters without serifs; Chinese is as wide as high."""
    return sum(
        11 if ord(sign) > 0x2E7F else 3 if sign in _NARROW else 10 if sign in _WIDE else 7 for sign in text
    )


_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{all}" height="{height}" viewBox="0 0 {all} {height}" role="img"'
    ' aria-label="{label}: {word}" xml:lang="{language}"><title>{label}: {word}</title>'
    '<rect width="{left}" height="{height}" fill="#2a3643"/>'
    '<rect x="{left}" width="{right}" height="{height}" fill="{colour}"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,Noto Sans CJK TC,sans-serif" font-size="11">'
    '<text x="{label_at}" y="14" textLength="{label_width}">{label}</text>'
    '<text x="{word_at}" y="14" textLength="{word_width}">{word}</text></g></svg>\n'
)
