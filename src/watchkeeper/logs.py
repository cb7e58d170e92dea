"""Turns what the program does into log lines: the only place that knows wording levels and rendering.

Code calls `log("event_name", fact=...)`; the table says at which level. Every text is redacted before it is written.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from watchkeeper.domain.secret_assignments import names_a_secret

LEVELS: dict[str, int] = {
    "agent_session_adopted": logging.WARNING,
    "attempt_crashed": logging.WARNING,
    "attempt_interrupted": logging.WARNING,
    "attempts_of_another_token": logging.WARNING,
    "audit_not_sealed": logging.ERROR,
    "audit_webhook_failed": logging.WARNING,
    "child_ended": logging.WARNING,
    "claim_not_kept": logging.WARNING,
    "claim_refused": logging.WARNING,
    "database_back": logging.WARNING,
    "database_down": logging.ERROR,
    "disk_nearly_full": logging.WARNING,
    "duty_failed": logging.ERROR,
    "handler_failed": logging.WARNING,
    "helper_event_lost": logging.WARNING,
    "internal_error": logging.ERROR,
    "library_said": logging.WARNING,
    "lease_lost": logging.WARNING,
    "leases_reaped": logging.WARNING,
    "processes_left": logging.ERROR,
    "renewal_failed": logging.WARNING,
    "report_not_kept": logging.WARNING,
    "report_rejected": logging.WARNING,
    "report_waits": logging.WARNING,
    "retention_failed": logging.WARNING,
    "schedule_refused": logging.WARNING,
    "server_back": logging.WARNING,
    "server_down": logging.ERROR,
}
"""Events that are more than information."""

TOLD_BY_US = frozenset({"psycopg.pool"})
"""Libraries that tell every attempt during an outage, which `database_down` or the command's own error tells once."""

_PLAIN = (int, float, bool, type(None))
_WITH_TEXTS = (str, list, tuple, dict)

_redact: Callable[[Any], Any] = str


def configure(*, level: str, form: str, redact: Callable[[Any], Any]) -> None:
    """Set up logging to stderr: `form` is json, text, or auto (text on a terminal); for `redact` see `redact_with`."""
    redact_with(redact)
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    libraries = logging.getLogger()
    libraries.handlers = [one for one in libraries.handlers if not isinstance(one, _Libraries)] + [
        _Libraries()
    ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _Libraries(logging.Handler):
    """Passes on what libraries log, so that it goes through the same redaction."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name in TOLD_BY_US:
            return
        log("library_said", library=record.name, detail=self.format(record))


def redact_with(redact: Callable[[Any], Any]) -> None:
    """Redact by this from here on; it is given texts, lists and dicts, these with all that is in them."""
    global _redact  # logging is process-wide, like the stream it writes to
    _redact = redact


def log(event: str, **facts: Any) -> None:
    """Write one event with its facts."""
    structlog.get_logger().log(LEVELS.get(event, logging.INFO), event, **facts)


def _redacted(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if names_a_secret(key) and isinstance(value, str):
            line[key] = "[redacted:secret]"
        elif not isinstance(value, _PLAIN):
            line[key] = _redact(value if isinstance(value, _WITH_TEXTS) else str(value))
    return line
