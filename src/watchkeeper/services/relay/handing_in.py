"""What an agent hands in of its workspace while it lives: copies, so that it cannot change them any more."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.agents.artifacts import Gathered, ProducedFile, files_in, open_inside, produced
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.handover import Handover
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.work_place import handed_over

COPY_BYTES = 1024 * 1024

Json = dict[str, Any]


class HandedIn:
    """The files of one attempt. `files` are those that are to be uploaded next, below `directory`.

    Every method that takes files blocks, and raises what `produced` does, and OSError.
    """

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self.directory = directory
        self._limit = limit_bytes
        self._content: dict[str, str] = {}
        self._uploaded: dict[str, str] = {}
        self.files: tuple[ProducedFile, ...] = ()

    def take(self, workspace: Path, paths: Sequence[str]) -> None:
        """Take files, or directories with all that is in them, to be uploaded."""
        found = [file for path in paths for file in produced(workspace, {"path": path}, self._limit).files]
        self._copy(workspace, tuple(dict.fromkeys(found)))

    def take_all(self, workspace: Path, held: HeldJob, given: Mapping[str, Any]) -> None:
        """Take what a completion names, or all that lies there, and hand it over; what was uploaded so is not again."""
        entries = tuple(produced(workspace, entry, self._limit) for entry in given["artifacts"])
        gathered = Gathered(given["summary"], entries, declared=bool(entries))
        self._copy(workspace, handed_over(held, gathered, files_in(workspace, self._limit)))
        if held.handover is not None:
            held.handover.share(held.shared)
        self.files = tuple(
            file for file in self.files if self._uploaded.get(file.name) != self._content[file.name]
        )

    def hand_over_uploaded(self, held: HeldJob, url: str | None) -> None:
        """Hand over what was uploaded so far, or one address, for the gate's look. Raises UsageError for nothing."""
        if url is not None:
            held.handover = Handover([{"kind": "html_page", "url": url, "primary": True}])
            return
        if not self._uploaded:
            raise UsageError("nothing is uploaded yet", hint="Call upload_files first, or name a url.")
        held.handover = Handover.of_files(list(self._uploaded))
        held.handover.share(held.shared)

    def uploaded(self, held: HeldJob) -> list[Json]:
        """Take in that the files were uploaded; give each with its address, where it has one."""
        self._uploaded |= {file.name: self._content[file.name] for file in self.files}
        return [{"name": file.name, "url": held.shared.get(file.name)} for file in self.files]

    def _copy(self, workspace: Path, files: tuple[ProducedFile, ...]) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        self._content = {file.name: self._copied(workspace, file) for file in files}
        self.files = files

    def _copied(self, workspace: Path, file: ProducedFile) -> str:
        """Copy a file (the agent could put a link in its place while the helper reads it), and give its SHA-256."""
        target = self.directory / file.path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        left, digest = self._limit, hashlib.sha256()
        with open_inside(workspace, file.path, self._limit) as source, target.open("wb") as copy:
            while left > 0 and (part := source.read(min(left, COPY_BYTES))):
                left -= copy.write(part)
                digest.update(part)
        return digest.hexdigest()
