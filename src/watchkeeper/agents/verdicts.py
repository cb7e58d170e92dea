"""What an agent's words mean, by its version: the tables beside this file, read once.

A table is data, so that a new version of an agent needs no code. docs/extend/agent.md tells its form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from watchkeeper.domain.sessions.events import SessionEvent, Trouble, TurnEnded, Unreadable, Waits

PLACE = Path(__file__).with_name("tables")

LOOKED_AT = 4000
"""How many characters of a text are looked at: what a failure is stands at its beginning."""

Rules = tuple[tuple[re.Pattern[str], Trouble], ...]


@dataclass(frozen=True)
class Table:
    """The table of one agent, as it holds for one version.

    `measured` says that this version was tried with the table; any other is read all the same, by the entries that
    would hold for it. `stirs` and `tools` name kinds of lines; `codes` are words that the agent's own events use,
    `natives` patterns of where its program lies behind a launcher.
    """

    measured: bool
    stirs: frozenset[str]
    tools: frozenset[str]
    codes: Mapping[str, Trouble]
    texts: Rules
    errors: Rules
    questions: re.Pattern[str]
    natives: tuple[str, ...]

    def trouble(self, text: str, *codes: object) -> Trouble:
        """Say what a failure is: by the first of its codes that tells more than `other`, else by its text.

        A text about a limit or a refused connection counts first: it comes with codes that stand for much else.
        """
        told = _first(self.texts, text)
        if told in (Trouble.USAGE_LIMIT, Trouble.CONTEXT_OVERFLOW, Trouble.UNREACHABLE):
            return told
        named = [self.codes[str(code)] for code in codes if str(code) in self.codes]
        telling = [trouble for trouble in named if trouble is not Trouble.OTHER]
        return telling[0] if telling else told or Trouble.OTHER

    def between(self, line: str) -> SessionEvent:
        """Say what a line of stdout is that is no event: a question to a person, or nothing readable."""
        shown = shortened(line)
        return Waits(shown) if self.questions.search(shown) else Unreadable(shown)

    def complaint(self, line: str) -> list[SessionEvent]:
        """Say what a line of stderr means: the end of a turn that never began, a question, or nothing."""
        shown = shortened(line)
        trouble = _first(self.errors, shown)
        if trouble is not None:
            return [TurnEnded(ok=False, trouble=trouble, text=shown)]
        return [Waits(shown)] if self.questions.search(shown) else []


@cache
def table(agent: str, version: str | None = None) -> Table:
    """Give an agent's table as it holds for a version; without one, for the newest."""
    data = tomllib.loads((PLACE / f"{agent}.toml").read_text("utf-8"))
    return Table(
        measured=version is not None and _holds(data["measured"], version),
        stirs=frozenset(data["stirs"]),
        tools=frozenset(data["tools"]),
        codes={code: Trouble(trouble) for code, trouble in data["codes"].items()},
        texts=_rules(data["texts"], version),
        errors=_rules(data["errors"], version),
        questions=re.compile("|".join(data["questions"]), re.IGNORECASE),
        natives=tuple(data["natives"]),
    )


def shortened(text: str) -> str:
    """Give the beginning of a text in characters that can be stored and shown."""
    return plain(text[:LOOKED_AT])


def plain(text: str) -> str:
    """Give a text without what no database and no file takes: halves of characters, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _first(rules: Rules, text: str) -> Trouble | None:
    shown = text[:LOOKED_AT].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((trouble for pattern, trouble in rules if pattern.search(shown)), None)


def _rules(entries: Iterable[Mapping[str, Any]], version: str | None) -> Rules:
    return tuple(
        (re.compile(entry["pattern"], re.IGNORECASE), Trouble(entry["trouble"]))
        for entry in entries
        if version is None or _holds(entry, version)
    )


def _holds(entry: Mapping[str, Any], version: str) -> bool:
    """Say whether a version is `from` one on, and `below` another; either may be left out."""
    number = _number(version)
    first, end = entry.get("from"), entry.get("below")
    return (first is None or _number(first) <= number) and (end is None or number < _number(end))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", version)[:3])
