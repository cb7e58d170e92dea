"""Removes what ended attempts have left on this machine, once the server knows how they ended and time has passed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.agents.scope import remove_empty_homes
from watchkeeper.agents.session import Session, SessionError
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.logs import log
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.records import AttemptRecords, attempts_at, attempts_in


class Retention:
    """What is kept of ended attempts in a worker's own places: the last so many, none longer than so long."""

    def __init__(self, config: SupervisorConfig, workspaces: Workspaces, places: Sequence[Path]) -> None:
        self._config = config
        self._workspaces = workspaces
        self._places = places

    def run_once(self, now: float | None = None) -> int:
        """Remove what is due and give how many attempts went; `now` is Unix time. Blocks."""
        now = time.time() if now is None else now
        before = now - self._config.keep_hours * 3600
        over = [records for place in self._places for records in attempts_in(place) if records.is_over]
        over.sort(key=lambda records: records.over_at)
        surplus = len(over) - self._config.keep_attempts
        due = [records for number, records in enumerate(over) if number < surplus or records.over_at < before]
        gone = sum(self._remove(records) for records in due)
        self._remove_stray_workspaces(before)
        self._prune(before, now)
        return gone

    def _prune(self, before: float, now: float) -> None:
        """Remove what no attempt owns: old copies of the contract CLI, and scopes' directories that are empty."""
        remove_empty_homes()
        try:
            self._workspaces.prune_cli(before, now)
        except OSError as error:
            log("retention_failed", directory=str(self._workspaces.place), detail=str(error))

    def _remove(self, records: AttemptRecords) -> bool:
        try:
            if records.session.is_dir():
                Session.adopt(records.session).discard()
            workspace = (records.lease() or {}).get("workspace")
            shutil.rmtree(records.directory)
            # A later attempt at the job may have gone on in it.
            if workspace is not None and Path(workspace) not in self._in_use() and Path(workspace).exists():
                self._workspaces.remove(Path(workspace))
        except (OSError, ValueError, SessionError) as error:
            log("retention_failed", directory=str(records.directory), detail=str(error))
            return False
        return True

    def _remove_stray_workspaces(self, before: float) -> None:
        """Remove old workspaces that no attempt of any worker of this home knows of."""
        try:
            self._workspaces.remove_older(before, self._in_use())
        except (OSError, WatchkeeperError) as error:
            log("retention_failed", directory=str(self._workspaces.root), detail=str(error))

    def _in_use(self) -> frozenset[Path]:
        """Give the workspaces that any attempt of this home knows of."""
        known = ((records.lease() or {}).get("workspace") for records in attempts_at(self._config.home))
        return frozenset(Path(workspace) for workspace in known if workspace is not None)
