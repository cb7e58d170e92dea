"""A session's events as lines for a page: what each says, cut to a page's size, without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.console.i18n import message

MOST_LINES = 1_000
MOST_BYTES = 40_000
"""With what stands around it a page stays below 100 kB, also where each line is short."""

LINE_BYTES = 45
"""What the page writes around a line, about."""

TEXT_CHARS = 2_000
SHELLS = frozenset({"command_execution", "Bash"})
_APART = "\n\N{SYMBOL FOR RECORD SEPARATOR}\n"

HAPPENED: dict[str, str] = {
    "began": message("begins"),
    "turn_began": message("turn begins"),
    "turn_ended": message("turn ends"),
    "retrying": message("tries again"),
    "limited": message("usage limit"),
    "waits": message("waits for a person"),
    "spent": message("used so far"),
    "stirred": message("at work"),
    "diagnosis": message("diagnosis"),
    "unreadable": message("not readable"),
}
"""Events that have a word; the others are shown by their record's own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event: its number, when (seconds since the start), its kind, what happened, and the text of it."""

    number: int
    t: float
    kind: str
    word: str
    text: str

    @property
    def clock(self) -> str:
        whole = int(self.t)
        return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


@dataclass(frozen=True, slots=True)
class Transcript:
    """Lines in order. `earlier` leads to those before, `masked` counts the secrets that were taken out of these."""

    lines: list[Line]
    earlier: int | None
    last: int
    masked: int


def transcript_of(
    events: Sequence[Mapping[str, Any]], earlier: int | None, after: int, redactor: Redactor
) -> Transcript:
    """Make the newest lines that fit into a page."""
    lines = [_line(event) for event in events]
    shown = _newest(lines)
    if len(shown) < len(lines):
        earlier = shown[0].number
    texts = _redacted([line.text for line in shown], redactor)
    made = [
        Line(line.number, line.t, line.kind, line.word, text) for line, text in zip(shown, texts, strict=True)
    ]
    masked = sum(text.count("[redacted:") for text in texts)
    return Transcript(made, earlier, max([after, *(line.number for line in made)]), masked)


def _newest(lines: Sequence[Line]) -> list[Line]:
    room, rows, taken = MOST_BYTES, MOST_LINES, 0
    for line in reversed(lines):
        room -= LINE_BYTES + len(line.text.encode()) + len(line.word)
        rows -= line.text.count("\n") + 1
        if taken and (room < 0 or rows < 0):
            break
        taken += 1
    return list(lines[len(lines) - taken :])


def _redacted(texts: list[str], redactor: Redactor) -> list[str]:
    """Take out what became known for a secret since it was written down: all at once, which costs a tenth."""
    together = redactor.redact(_APART.join(texts)).split(_APART)
    return together if len(together) == len(texts) else [redactor.redact(text) for text in texts]


def _line(event: Mapping[str, Any]) -> Line:
    fields, name = event["fields"], event["event"]
    count = fields.get("count")
    word, text = _said(event["source"], name, fields)
    times = f" ×{count}" if isinstance(count, int) and count > 1 else ""
    text = text.replace(_APART.strip(), "")[:TEXT_CHARS] + times
    return Line(event["number"], event["t"] or 0.0, event["kind"], word, text.strip())


def _said(source: str, name: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    """Give what happened, as a word to translate or the record's own, and the text of it."""
    match name:
        case "said":
            return "", str(fields.get("text") or "")
        case "tool_opened":
            tool, shown = str(fields.get("tool") or ""), str(fields.get("shown") or "")
            return ("$", shown) if shown and tool in SHELLS else (tool, shown)
        case "tool_closed":
            code = fields.get("exit_code")
            head = "✕" if fields.get("failed") else "✓"
            return head + (f" {code}" if code else ""), str(fields.get("shown") or "")
        case "turn_ended":
            trouble = str(fields.get("trouble") or "")
            return HAPPENED[name], " ".join(filter(None, (trouble, str(fields.get("text") or ""))))
        case "diagnosis":
            told = (fields.get("failure"), fields.get("because"))
            return HAPPENED[name], " ".join(str(part) for part in told if part)
        case _ if source == "stdout" and name in HAPPENED:
            return HAPPENED[name], _told(fields)
    return f"{source} {name}", _told(fields)


def _told(fields: Mapping[str, Any]) -> str:
    """Give the fields of a record that has no words of its own."""
    if set(fields) <= {"text", "count"}:
        return str(fields.get("text") or "")
    return " ".join(_field(name, value) for name, value in fields.items() if name != "count")


def _field(name: str, value: Any) -> str:
    return f"{name}={len(value)}" if isinstance(value, list | dict) else f"{name}={value}"


def kinds_of(asked: Iterable[str], known: Iterable[str]) -> tuple[str, ...] | None:
    """Give the kinds of an address that there are; None where all are asked for."""
    wanted = tuple(kind for kind in known if kind in set(asked))
    return wanted or None
