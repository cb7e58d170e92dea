"""Turns what the program does into log lines: the only place that knows wording levels and rendering.

Code calls `log("event_name", fact=...)`; the table says at which level. Every text is redacted before it is written.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from watchkeeper.domain.secret_assignments import names_a_secret

LEVELS: dict[str, int] = {
    "agent_session_adopted": logging.WARNING,
    "agent_version_unmeasured": logging.WARNING,
    "alert_not_handed": logging.ERROR,
    "alert_not_written": logging.ERROR,
    "attempt_crashed": logging.WARNING,
    "attempt_interrupted": logging.WARNING,
    "attempts_of_another_worker": logging.WARNING,
    "audit_not_sealed": logging.ERROR,
    "audit_webhook_failed": logging.WARNING,
    "channel_disabled": logging.ERROR,
    "child_ended": logging.WARNING,
    "claim_not_kept": logging.WARNING,
    "claim_refused": logging.WARNING,
    "database_back": logging.WARNING,
    "database_down": logging.ERROR,
    "chat_answer_failed": logging.WARNING,
    "dead_man_failed": logging.WARNING,
    "disk_nearly_full": logging.WARNING,
    "duty_failed": logging.ERROR,
    "end_not_kept": logging.ERROR,
    "handler_failed": logging.WARNING,
    "helper_event_lost": logging.WARNING,
    "helper_memory_lost": logging.WARNING,
    "helper_trouble": logging.WARNING,
    "repair_asks": logging.WARNING,
    "internal_error": logging.ERROR,
    "library_said": logging.WARNING,
    "lease_lost": logging.WARNING,
    "leases_reaped": logging.WARNING,
    "mcp_call_broke": logging.ERROR,
    "mcp_port_taken": logging.WARNING,
    "policy_refused": logging.ERROR,
    "processes_left": logging.ERROR,
    "renewal_failed": logging.WARNING,
    "report_not_kept": logging.WARNING,
    "report_rejected": logging.WARNING,
    "report_waits": logging.WARNING,
    "retention_failed": logging.WARNING,
    "schedule_refused": logging.WARNING,
    "server_back": logging.WARNING,
    "server_down": logging.ERROR,
    "template_broken": logging.WARNING,
}
"""Events that are more than information."""

TOLD_BY_US = frozenset({"psycopg.pool"})
"""Libraries that tell every attempt during an outage, which `database_down` or the command's own error tells once."""

_LOGGER = logging.getLogger("watchkeeper")
_HEAD = ("timestamp", "level", "event")
_PLAIN = (int, float, bool, type(None))
_WITH_TEXTS = (str, list, tuple, dict)

_redact: Callable[[Any], Any] = str


def configure(*, level: str, form: str, redact: Callable[[Any], Any]) -> None:
    """Set up logging to stderr: `form` is json, text, or auto (text on a terminal); for `redact` see `redact_with`.

    Where nobody calls this, in a program that only uses the library, its own logging shows our lines or leaves them.
    """
    redact_with(redact)
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Line(_as_text if text else _as_json))
    _LOGGER.handlers = [lines]
    _LOGGER.propagate = False
    _LOGGER.setLevel(level.upper())
    libraries = logging.getLogger()
    libraries.handlers = [one for one in libraries.handlers if not isinstance(one, _Libraries)] + [
        _Libraries()
    ]


def redact_with(redact: Callable[[Any], Any]) -> None:
    """Redact by this from here on; it is given texts, lists and dicts, these with all that is in them."""
    global _redact  # logging is process-wide, like the stream it writes to
    _redact = redact


def log(event: str, **facts: Any) -> None:
    """Write one event with its facts."""
    level = LEVELS.get(event, logging.INFO)
    if _LOGGER.isEnabledFor(level):
        told = {name: _redacted(name, value) for name, value in facts.items()}
        _LOGGER.log(level, "%s %s", _redact(event), told, extra={"event": _redact(event), "facts": told})


class _Libraries(logging.Handler):
    """Passes on what libraries log, so that it goes through the same redaction."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in TOLD_BY_US:
            return
        log("library_said", library=record.name, detail=self.format(record))


class _Line(logging.Formatter):
    """Writes a record as one line of ours."""

    def __init__(self, write: Callable[[Mapping[str, Any]], str]) -> None:
        super().__init__()
        self._write = write

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        head = {"event": vars(record)["event"], "level": record.levelname.lower()}
        return self._write({**vars(record)["facts"], **head, "timestamp": at.replace("+00:00", "Z")})


def _as_json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, sort_keys=True)


def _as_text(line: Mapping[str, Any]) -> str:
    facts = " ".join(f"{name}={_shown(value)}" for name, value in line.items() if name not in _HEAD)
    return f"{line['timestamp']} [{line['level']:<8}] {line['event']:<30} {facts}".rstrip()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() and " " not in value else repr(value)


def _redacted(name: str, value: Any) -> Any:
    if names_a_secret(name) and isinstance(value, str):
        return "[redacted:secret]"
    if isinstance(value, _PLAIN):
        return value
    return _redact(value if isinstance(value, _WITH_TEXTS) else str(value))
