"""What a row's facts mean: lines through the agents' own readers, the rest field by field, half-filled or not."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchkeeper.agents.adapter import Stream
from watchkeeper.agents.known import agents, stream
from watchkeeper.domain.sessions.events import Limited, SessionEvent, ToolOpened
from watchkeeper.domain.sessions.facts import (
    ArtifactChecked,
    ClockJumped,
    ContractCall,
    ErrorLine,
    Interrupted,
    LeaseChanged,
    ProcessesLeft,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    QueueTick,
    SeenProcess,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)
from watchkeeper.domain.sessions.rows import STREAM, FactRow, fact_of
from watchkeeper.services.corpus.reading import CorpusRow, Told

SOME_DAY = 1_795_305_600.0
"""Where a row does not tell when it was recorded; only spans count then, and dates mean nothing."""

PLAUSIBLE_PARK_SECONDS = 8 * 86_400.0
_STAMP = re.compile(r'"timestamp"\s*:\s*"(\d{4}-\d\d-\d\dT[^"]{5,30})"')
CODES = {"404": "job_not_found", "409": "stale_lease", "401": "unauthenticated", "429": "rate_limited"}
"""Statuses of HTTP that stand where a code should."""

COMPLETES = re.compile(
    r'"(tool|name)"\s*:\s*"([\w-]*_)?complete(_job|_task)?"|"command"\s*:\s*"[^"]*\b(helper|\w+ctl) complete\b'
)

_LINE_KEYS = ("line", "text", "data", "raw", "message")


class Meaning:
    """Reads one row's facts. `unknown` counts what nobody understands: accepted, and told."""

    def __init__(self, row: CorpusRow) -> None:
        anchor = _anchor(row)
        self.begin = SOME_DAY if anchor is None else anchor
        self._is_anchored = anchor is not None
        self._now = self.begin
        agent = row.label.agent if row.label.agent in agents() else _guessed(row)
        self._stream: Stream = stream(agent, row.label.cli_version, lambda: self._now)
        self._tells_contract = any(told.source == "contract" for told in row.facts)
        self.unknown: Counter[str] = Counter()

    def facts(self, told: Told) -> list[SessionFact]:
        """Give what one fact of the row says; nothing where it says nothing known."""
        self._now = self.begin + told.t
        try:
            found = self._read(told)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
            found = []
        if not found:
            self.unknown[f"{told.source}/{told.event}"[:100]] += 1
        return [self._dated(one) for one in found]

    def _read(self, told: Told) -> list[SessionFact]:
        given = told.fields
        match told.source:
            case "stdout":
                if told.event in STREAM:
                    return _some(fact_of(FactRow("stdout", told.event, given)))
                return [
                    self._completing(event, line)
                    for line in _lines(given)
                    for event in self._stream.read(line)
                ]
            case "stderr":
                return [
                    one for line in _lines(given) for one in (ErrorLine(line), *self._stream.read_error(line))
                ]
            case "transcript":
                return [TranscriptGrew()]
            case "contract":
                return [_call(told.event, given)]
            case "proc":
                return _some(_process(told.event, given))
            case "lease":
                return [LeaseChanged(told.event, int(given.get("epoch") or 0), _text(given.get("worker")))]
        return _some(_other(told))

    def _completing(self, event: SessionEvent, line: str) -> SessionEvent:
        """In a row that tells no contract calls a tool or helper of another name may be what completes the job."""
        is_other = isinstance(event, ToolOpened) and event.contract is None and not self._tells_contract
        if is_other and isinstance(event, ToolOpened) and COMPLETES.search(line):
            return replace(event, contract="complete")
        return event

    def _dated(self, fact: SessionFact) -> SessionFact:
        """A date in a row that tells no date of its own lies beyond the end of the row: more is not known of it."""
        if self._is_anchored or not isinstance(fact, Limited) or fact.until is None:
            return fact
        is_plausible = 0 < fact.until - self._now < PLAUSIBLE_PARK_SECONDS
        return fact if is_plausible else replace(fact, until=self._now + PLAUSIBLE_PARK_SECONDS)


def _other(told: Told) -> SessionFact | None:
    given = told.fields
    match told.source, told.event:
        case "artifact", "check" | "checked":
            return ArtifactChecked(
                _whole(given.get("http_status")),
                _whole(given.get("file_count")),
                _whole(given.get("bytes")),
                tuple(map(_named, given.get("failed") or ())),
            )
        case "workspace", "change" | "changed":
            return WorkspaceChanged(_count(given.get("files")), _count(given.get("commits")))
        case "queue", "tick":
            declined = Counter(map(_reason, given.get("declined") or ()))
            return QueueTick(
                _count(given.get("ready")),
                _count(given.get("running")),
                _count(given.get("spawned")),
                dict(declined),
            )
        case "clock", "jump" | "jumped":
            return ClockJumped(float(given.get("seconds") or 0.0))
        case "supervisor" | "watchdog", "interrupt" | "interrupted" | "signal" | "kill" | "terminate":
            return Interrupted(_whole(given.get("signal")) or 15)
    return None


def _process(event: str, given: dict[str, Any]) -> SessionFact | None:
    match event:
        case "start" | "started":
            return ProcessStarted(_whole(given.get("pid")) or 0)
        case "sample":
            return ProcessSample(_processes(given.get("processes")), _whole(given.get("sockets")))
        case "exit" | "exited":
            return ProcessExited(_whole(given.get("code")), _signal(given.get("signal")))
        case "left":
            return ProcessesLeft(_processes(given.get("processes")))
        case "signal" | "signalled" | "interrupt" | "interrupted" | "sigterm" | "terminate":
            return Interrupted(_signal(given.get("signal")) or 15)
    return None


def _processes(given: Any) -> tuple[SeenProcess, ...]:
    entries = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return tuple(
        SeenProcess(
            _whole(one.get("pid")) or 0,
            _whole(one.get("ppid")) or 0,
            _text(one.get("state")) or "S",
            float(one.get("cpu_seconds") or 0.0),
            _text(one.get("command")) or "",
        )
        for one in entries
    )


def _call(command: str, given: dict[str, Any]) -> ContractCall:
    """Read a call; whether it was answered well follows from its error where it is not told."""
    told, ok = given.get("error_code"), given.get("ok")
    code = CODES.get(str(told), str(told)[:100]) if told is not None and told != "" else None
    handed = given.get("artifacts")
    return ContractCall(
        command.replace("_", "-"),
        ok=bool(ok) if ok is not None else code is None,
        error_code=code,
        phase=_text(given.get("phase")),
        artifacts=len(handed) if isinstance(handed, list | dict) else _whole(handed),
    )


def _lines(given: dict[str, Any]) -> list[str]:
    told = next((given[key] for key in _LINE_KEYS if key in given), None)
    if isinstance(told, dict):
        return [json.dumps(told)]
    return [line for line in str(told or "").splitlines() if line.strip()]


def _guessed(row: CorpusRow) -> str:
    """Guess an agent that is not known by how its lines look; whatever else it is, it is a command."""
    for told in row.facts:
        for line in _lines(told.fields) if told.source == "stdout" else ():
            if re.search(r'"type"\s*:\s*"(thread|turn|item)\.', line):
                return "codex"
            if re.search(r'"type"\s*:\s*"(system|assistant|user|result)"', line):
                return "claude"
    return "command"


def _anchor(row: CorpusRow) -> float | None:
    """Give the Unix time of the row's begin, from its label or from the first line that carries a time."""
    if (found := _moment(row.label.started_at)) is not None:
        return found
    for told in row.facts:
        if told.source in ("stdout", "transcript"):
            for line in _lines(told.fields):
                stamp = _STAMP.search(line)
                moment = _moment(stamp[1]) if stamp else None
                if moment is not None and moment > PLAUSIBLE_PARK_SECONDS * 1_800:
                    return moment - told.t
    return None


def _moment(given: Any) -> float | None:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, str):
        return None
    try:
        return datetime.fromisoformat(given).timestamp()
    except (ValueError, OverflowError):
        return None


def _some(fact: SessionFact | None) -> list[SessionFact]:
    return [] if fact is None else [fact]


def _reason(declined: Any) -> str:
    told = declined.get("reason") if isinstance(declined, dict) else declined
    return _named(told or "unknown")


def _named(given: Any) -> str:
    told = given.get("check") or given.get("name") if isinstance(given, dict) else given
    return str(told)[:100]


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _whole(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return int(float(given))
    except (ValueError, OverflowError):
        return None


def _count(given: Any) -> int:
    """Read a count, or a list of what is counted."""
    return len(given) if isinstance(given, list | dict) else _whole(given) or 0


_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGSEGV": 11, "SIGTERM": 15}


def _signal(given: Any) -> int | None:
    if isinstance(given, str):
        name = given.upper()
        return _SIGNALS.get(name if name.startswith("SIG") else f"SIG{name}") or _whole(given)
    return _whole(given) or None
