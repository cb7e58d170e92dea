"""The page of events tells of all that the program can say."""

from __future__ import annotations

import re
from pathlib import Path

from watchkeeper.interfaces.console.event_words import EVENTS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "watchkeeper"
PAGE = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
AUDIT, LOG = PAGE.split("## Log events")


def documented(part: str) -> set[str]:
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", part, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_audit_event_has_words() -> None:
    """Whoever reads the trail in the console meets no bare code: console/event_words.py names each event."""
    assert documented(AUDIT) - set(EVENTS) == set()


def test_every_log_event_is_documented() -> None:
    """Whoever greps a log finds each event on the page, and no event there that is never logged."""
    logged = {
        name
        for file in SOURCE.rglob("*.py")
        for name in re.findall(r"\blog\(\s*\"(\w+)\"", file.read_text(encoding="utf-8"))
    }
    assert logged - {"event_name"} == documented(LOG)


def test_every_audit_event_is_documented() -> None:
    """Whoever reads the trail finds each event on the page, and each event of the page in the program."""
    sources = "\n".join(
        file.read_text(encoding="utf-8") for end in ("*.py", "*.sql") for file in SOURCE.rglob(end)
    )
    inserted = re.findall(
        r"INSERT INTO watchkeeper\.audit_events(.*?)(?=INSERT INTO|-- name:|\Z)", sources, re.DOTALL
    )
    named = {name for text in inserted for name in re.findall(r"'(\w+_\w+)'", text)}
    events = re.compile(r"(?:ed|login|logout)$")
    assert {name for name in named if events.search(name)} - documented(AUDIT) == set()
    assert {
        name for name in documented(AUDIT) if f"'{name}'" not in sources and f'"{name}"' not in sources
    } == set()
