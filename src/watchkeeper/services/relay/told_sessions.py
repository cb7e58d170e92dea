"""The record of a foreign job's sessions on our server, and what its answers ask of the one at work.

The server knows of a job by the reports that are told before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from watchkeeper.logs import log
from watchkeeper.services.relay.guarded import HelperGuard
from watchkeeper.services.relay.reports import Reports
from watchkeeper.services.supervision.seams import SessionRecords, Unrecorded
from watchkeeper.services.supervision.session_records import ServerRecords
from watchkeeper.services.supervision.session_requests import Interruptible

Asked = Iterable[Mapping[str, Any]]


class ToldSessions:
    """Where sessions are recorded; `at_work` is the attempt that the server may ask something of, each once."""

    def __init__(self, records: SessionRecords | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._known: set[str] = set()
        self.records = records or Unrecorded()
        self.at_work: Interruptible | None = None

    def take(self, asked: Asked) -> None:
        """Act on what is asked, on the event loop; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nothing is at work any more
            self._loop.call_soon_threadsafe(self._act, asked)

    def _act(self, asked: Asked) -> None:
        for request in asked:
            if self.at_work is None or request["repair"] in self._known:
                continue
            self._known.add(request["repair"])
            log(
                "session_requested", job=self.at_work.id, action=request["action"], insists=request["insists"]
            )
            if request["action"] == "interrupt_session":
                insists, reason = bool(request["insists"]), request.get("reason")
                self.at_work.asked_to_interrupt(insists=insists, reason=reason)


@contextmanager
def told_sessions(guard: HelperGuard, reports: Reports) -> Iterator[ToldSessions]:
    """Tell of sessions while the block runs, where there is a token to tell with. Blocks for its last words."""
    told = ToldSessions()
    if guard.token is None:
        yield told
        return
    records = ServerRecords(
        guard.url,
        guard.token,
        is_known=lambda one: reports.are_told(one.made_at),
        on_requests=told.take,
    )
    told.records = records
    records.start()
    try:
        yield told
    finally:
        records.stop()
