"""Leaves a process's logging as it was: it is one for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from watchkeeper import logs


@contextmanager
def kept_logging() -> Iterator[None]:
    """Put handlers, levels and redaction back at the end."""
    loggers = [logging.getLogger(), logging.getLogger("watchkeeper")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    try:
        yield
    finally:
        for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
            one.handlers, one.propagate = handlers, propagate
            one.setLevel(level)
        logs.redact_with(str)
