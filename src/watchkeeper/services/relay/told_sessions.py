"""The record of a foreign job's sessions on our server, which knows of the job by the reports that are told before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from watchkeeper.services.relay.guarded import HelperGuard
from watchkeeper.services.relay.reports import Reports
from watchkeeper.services.supervision.seams import SessionRecords, Unrecorded
from watchkeeper.services.supervision.session_records import ServerRecords


@contextmanager
def told_sessions(guard: HelperGuard, reports: Reports) -> Iterator[SessionRecords]:
    """Tell of sessions while the block runs, where there is a token to tell with. Blocks for its last words."""
    if guard.token is None:
        yield Unrecorded()
        return
    records = ServerRecords(guard.url, guard.token, is_known=lambda one: reports.are_told(one.made_at))
    records.start()
    try:
        yield records
    finally:
        records.stop()
