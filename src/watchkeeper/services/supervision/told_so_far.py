"""How far a session's stream was told to the server, on disk: who adopts it reads its turn from the beginning again."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TOLD = "told.json"


class StreamPlace(NamedTuple):
    """A turn, and so many of the events that its stream has told."""

    turn: int = 0
    ordinal: int = 0


class ToldSoFar:
    """`place` is what the server has for sure. What is sent is noted before: its answer may never be heard."""

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / TOLD
        self.place = StreamPlace()
        self._sent: tuple[int, StreamPlace] | None = None
        try:
            noted = {} if self._path is None else json.loads(self._path.read_text())
            self.place = StreamPlace(*map(int, noted.get("told", ())))
            if (sent := noted.get("sent")) is not None:
                self._sent = int(sent[0]), StreamPlace(*map(int, sent[1]))
        except (OSError, ValueError, TypeError, AttributeError, LookupError):
            return

    def sends(self, last_number: int, place: StreamPlace) -> None:
        """Note a batch: the number of its last event, and how far the stream is told once the server has it."""
        if self._sent != (last_number, place):
            self._sent = last_number, place
            self._write()

    def was_kept(self, place: StreamPlace) -> None:
        self.place, self._sent = place, None
        self._write()

    def came_there(self, last_number: int) -> bool:
        """Say whether what was sent by one who died since did come there, by the last number that the server has."""
        sent, self._sent = self._sent, None
        if sent is None or last_number < sent[0]:
            return False
        self.place = sent[1]
        return True

    def _write(self) -> None:
        if self._path is not None:
            with suppress(OSError):  # on a full disk the next supervisor tells a little twice
                self._path.write_text(json.dumps({"told": self.place, "sent": self._sent}))
