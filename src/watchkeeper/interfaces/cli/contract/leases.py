"""The lease tokens of claimed jobs, kept on disk so that an agent need not carry them."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from watchkeeper.interfaces.cli.contract.durable import private_folder, write_file

KEPT_LEASES = 100
"""How many leases of a worker stay on disk: ended ones make a repeated `complete` idempotent."""


def file_name(text: str) -> str:
    """Make a file name out of a worker's or job's id, one to one; a long id is cut and marked by its hash."""
    name = quote(text, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) <= 120:
        return name
    return f"{name[:80]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class LeaseStore:
    """The leases of one worker, a file for each job."""

    def __init__(self, state: Path, worker_id: str) -> None:
        self._state = state
        self._folder = state / "leases" / file_name(worker_id)

    def prepare(self) -> None:
        """Make sure that a lease can be kept, before a claim; raise UsageError where it cannot."""
        for folder in (self._state, self._folder.parent, self._folder):
            private_folder(folder)

    def keep(self, job: dict[str, Any]) -> None:
        """Keep the lease of a job that was just claimed, and let go of the oldest ones."""
        kept = {"job": job["id"], "external_id": job.get("external_id"), "lease_token": job["lease_token"]}
        write_file(self._path(str(job["id"])), json.dumps(kept).encode())
        with contextlib.suppress(OSError):  # tidying must not cost a claim; the next one tidies again
            for path in self._newest_first()[KEPT_LEASES:]:
                path.unlink(missing_ok=True)

    def token(self, job_id: str) -> str | None:
        """Give the lease token for a job, named by our id or by its foreign one; None where none is kept."""
        try:
            kept = self._read(self._path(job_id)) or self._by_external_id(job_id)
        except OSError:
            # An unreadable store is an absent one: a session's job token needs no lease token.
            return None
        return str(kept["lease_token"]) if kept else None

    def latest(self) -> str | None:
        """Name the job that was claimed last; None where none is kept."""
        kept = (self._read(path) for path in self._newest_first())
        return next((str(lease["job"]) for lease in kept if lease), None)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{file_name(job_id)}.json"

    def _by_external_id(self, job_id: str) -> dict[str, Any] | None:
        for path in self._newest_first():
            kept = self._read(path)
            if kept and kept.get("external_id") == job_id:
                return kept
        return None

    def _newest_first(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            kept = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            # Never written, or by a hand that was not ours: no lease is known for it.
            return None
        return kept if isinstance(kept, dict) and isinstance(kept.get("lease_token"), str) else None
