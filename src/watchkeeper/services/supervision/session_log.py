"""The record of one session as it is to be told: how it stands, and the rows of its events, in bounded room."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchkeeper.domain.sessions.diagnosis import Diagnosis
from watchkeeper.domain.sessions.facts import Interrupted, SessionFact
from watchkeeper.domain.sessions.telling import Telling, ToldRow
from watchkeeper.services.supervision.told_so_far import StreamPlace, ToldSoFar

HEARTBEAT_SECONDS = 60.0
"""A live session is told of so often at least, so that its silence can be told from its supervisor's."""

BATCH_ROWS = 200
BATCH_BYTES = 400_000

SHORT = dict.fromkeys(("agent", "cli_version", "failure_class", "state"), 100)
LENGTHS = SHORT | dict.fromkeys(("thread_id", "host_id", "boot_id", "pid_ns"), 200)
LENGTHS |= dict.fromkeys(("transcript", "workspace"), 4096)
NUMBERS = frozenset(
    {"pid", "start_ticks", "turns", "restarts", "tokens", "cost", "exit_code", "exit_signal", "interrupted"}
)
ONCE = frozenset({"interrupted", "left"})
"""What happened at a moment: told again it would be another interruption, and another sweep."""

ALSO_CALLED = {"thread": "thread_id", "version": "cli_version", "tokens_used": "tokens"}

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ServerLog:
    """The record of one session. Its words may come from any thread."""

    def __init__(self, job: str, lease: str, facts: Mapping[str, Any]) -> None:
        self.job, self.lease = job, lease
        self.made_at = time.time()
        self._lock = threading.Lock()
        self._telling = Telling()
        self._facts: dict[str, Any] = {}
        self._once: dict[str, Any] = {}
        self._is_new = True
        self._diagnosis: Diagnosis | None = None
        self._is_over = False
        self._told_at = float("-inf")
        self._began_at = time.time()
        self._next_number = 1
        self._batch: list[tuple[int, ToldRow]] = []
        self.is_refused = False
        self._told = ToldSoFar(Path(facts["place"]) if facts.get("place") else None)
        self.note(facts)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Tell what holds from now on, by the columns of agent_sessions; other names are left out."""
        with self._lock:
            self._keep(facts)

    def take(self, at: float, fact: SessionFact) -> None:
        """Tell one fact; `at` is Unix time. Its texts are redacted already."""
        with self._lock:
            self._telling.take(at, fact)
            if isinstance(fact, Interrupted):
                self._keep({"interrupted": True})

    def diagnosed(self, at: float, diagnosis: Diagnosis) -> None:
        """Tell what is held of the session now."""
        with self._lock:
            self._telling.diagnosed(at, diagnosis)
            self._diagnosis, self._is_new = diagnosis, True

    def over(self, facts: Mapping[str, Any]) -> None:
        """Tell that it is over, and how."""
        with self._lock:
            self._keep(facts)
            self._telling.settle(time.time(), everything=True)
            self._is_over = True

    def _keep(self, facts: Mapping[str, Any]) -> None:
        if (turn := facts.get("turns")) is not None:
            told = self._told.place
            self._telling.begin_turn(turn, told.ordinal if turn == told.turn else 0)
        if (version := facts.get("untried_version")) is not None:
            self._telling.unknown[f"version {version}"] = 1
        sendable = _sendable(facts)
        self._once |= {name: sendable.pop(name) for name in ONCE if name in sendable}
        self._facts |= sendable
        self._is_new = True

    @property
    def is_done(self) -> bool:
        """Say whether nothing is left to tell, and nothing more will come."""
        with self._lock:
            waits = self._is_new or self._batch or self._telling.rows
            return self.is_refused or (self._is_over and not waits)

    def word(self, now: float) -> dict[str, Any] | None:
        """Give what is to be told of how the session stands; None where that was told lately and is so still."""
        with self._lock:
            self._telling.settle(now)
            if not self._is_new and (self._is_over or now - self._told_at < HEARTBEAT_SECONDS):
                return None
            telling = self._telling
            # The end is told after all events: who follows a session stops there.
            ends = self._is_over and not self._batch and not telling.rows
            self._is_new = self._is_over and not ends
            said: dict[str, Any] = {"turns": telling.turns, "dropped": telling.dropped}
            said |= self._facts | self._once | {"standing": telling.standing(now), "ended": ends}
            said["tokens"] = max(telling.tokens or 0, said.get("tokens") or 0) or None
            said["cost"] = max(telling.cost or 0.0, said.get("cost") or 0.0) or None
            said |= {"unknown": {_short(kind): n for kind, n in telling.unknown.items()} or None}
            if self._diagnosis is not None:
                said["diagnosis"] = _diagnosis(self._diagnosis, now)
            return {name: value for name, value in said.items() if value is not None}

    def was_told(self, now: float, told: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Take in that the server has this word; the first answer says where an earlier telling left off."""
        session = answer.get("session") or {}
        with self._lock:
            if self._told_at == float("-inf"):
                self._began_at = now - float(session.get("age_s") or 0.0)
                last_number = int(session.get("last_number") or 0)
                self._next_number = last_number + 1
                if self._told.came_there(last_number):
                    self._telling.forget_told(*self._told.place)
            self._told_at = now
            for name in told:
                self._once.pop(name, None)

    def was_not_told(self) -> None:
        with self._lock:
            self._is_new = True

    def batch(self, now: float) -> dict[str, Any] | None:
        """Give events to tell, the same until `was_kept`; None where there are none."""
        with self._lock:
            rows, size = self._telling.rows, 0
            if not self._batch:
                while rows and len(self._batch) < BATCH_ROWS and size < BATCH_BYTES:
                    told = rows.popleft()
                    size += len(json.dumps(told.row.fields, default=str))
                    self._batch.append((self._next_number, told))
                    self._next_number += 1
            if not self._batch:
                return None
            events = [self._event(number, told) for number, told in self._batch]
            newest = self._telling.last_event_at
            silent = {} if newest is None else {"silent_s": max(0.0, now - newest)}
            batch = {"events": events, "dropped": self._telling.dropped, **silent}
            last_number, place = self._batch[-1][0], self._place_after()
        self._told.sends(last_number, place)
        return batch

    def was_kept(self) -> None:
        with self._lock:
            place, self._batch = self._place_after(), []
        self._told.was_kept(place)

    def _place_after(self) -> StreamPlace:
        return StreamPlace(*max((told.turn, told.ordinal) for _, told in self._batch))

    def _event(self, number: int, told: ToldRow) -> dict[str, Any]:
        row = told.row
        since = max(0.0, told.at - self._began_at)
        return {
            "n": number,
            "t": round(since, 3),
            "source": _short(row.source),
            "event": _short(row.event),
            "fields": row.fields,
        }


def _sendable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give of facts what the server takes: one name or text that it does not would cost the whole record."""
    sendable: dict[str, Any] = {}
    for given, value in facts.items():
        name = ALSO_CALLED.get(given, given)
        if value is None:
            continue
        if name in LENGTHS and (text := _CONTROL.sub(" ", str(value))[: LENGTHS[name]]):
            sendable[name] = text
        elif name in NUMBERS:
            sendable[name] = value
        elif name == "left":
            sendable[name] = [_left(one) for one in value][:500]
    return sendable


def _left(one: Any) -> dict[str, Any]:
    """Give a process that was left, told as facts or as a pid alone."""
    known = dict(one) if isinstance(one, Mapping) else {"pid": one}
    pid = known.get("pid")
    return {
        "pid": pid if isinstance(pid, int) and pid >= 0 else 0,
        "command": str(known.get("command") or known.get("name") or ("" if pid else one))[:500],
        "why": str(known.get("why") or "")[:200],
    }


def _diagnosis(held: Diagnosis, now: float) -> dict[str, Any]:
    until = None if held.until is None else {"park_s": max(0.0, held.until - now)}
    return {
        "failure": held.failure and held.failure.value,
        "action": held.action.value,
        "because": held.because[:2_000],
        "evidence": dict(held.evidence),
        **(until or {}),
    }


def _short(text: str) -> str:
    return _CONTROL.sub(" ", text)[:100] or "-"
