"""What a person sees of `up`: plain lines, marked with who speaks; the full story is in the log files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from watchkeeper.interfaces.cli.output import write

LOUD = frozenset({"warning", "error", "critical"})
OWN_FIELDS = ("event", "level", "timestamp")
COLOURS = {"up": "1", "warning": "33", "error": "31", "good": "32", "bad": "31", "link": "1;36"}
NAME_WIDTH = 8


class Screen:
    """Writes lines to stdout; colours them where that is a terminal."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._coloured = sys.stdout.isatty()

    def say(self, text: str, colour: str | None = None) -> None:
        """Say something as `up` itself."""
        self.line("up", text, colour)

    def line(self, name: str, text: str, colour: str | None = None) -> None:
        write(f"{self._paint(name.ljust(NAME_WIDTH), 'up')} | {self._paint(text, colour)}")

    def child_said(self, name: str, text: str) -> None:
        """Pass on a line of a child: warnings and what is no log line always, the rest when asked for."""
        level, sentence = _read(text)
        if self._verbose or level in LOUD or level is None:
            self.line(name, sentence, level)

    def welcome(self, url: str, link: str, home: Path) -> None:
        """Say where the console is and how to get in."""
        self.say(f"ready: {url}", "good")
        self.say(f"open the console (link works once, for ten minutes): {self._paint(link, 'link')}")
        self.say(f"data and logs are in {home}; Ctrl-C stops everything and keeps the data")

    def _paint(self, text: str, colour: str | None) -> str:
        code = COLOURS.get(colour or "")
        return f"\033[{code}m{text}\033[0m" if self._coloured and code else text


def _read(line: str) -> tuple[str | None, str]:
    """Read a log line: its level and a sentence; level None for what is no log line."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None, line
    if not isinstance(fields, dict) or "event" not in fields:
        return None, line
    facts = " ".join(f"{name}={value}" for name, value in fields.items() if name not in OWN_FIELDS)
    return str(fields.get("level", "info")), f"{fields['event']} {facts}".rstrip()
