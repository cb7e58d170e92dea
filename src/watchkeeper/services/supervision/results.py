"""What an agent left in its workspace, put into the server's store, and named as a completion names it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from watchkeeper.agents.artifacts import (
    ArtifactRefused,
    Produced,
    ProducedFile,
    files_in,
    gather,
    open_inside,
    produced,
)
from watchkeeper.logs import log
from watchkeeper.services.supervision.server_link import Json, ServerLink, Upload

FILES_AT_ONCE = 100
"""Files of one request: each is an open descriptor while it is sent."""

READ_BYTES = 1024 * 1024
UNASKED_FILES = 200
"""Without a contract and without artifacts.json no more files than these are taken for results."""


class Results:
    """The results of one attempt. Raises ArtifactRefused for what cannot be taken, and what the link raises."""

    def __init__(self, link: ServerLink, job: dict[str, Any], lease: str | None, limit_bytes: int) -> None:
        self._link = link
        self._job = job
        self._lease = lease
        self._limit = limit_bytes

    async def stored(self) -> list[Json]:
        """Give what the attempt has stored already, by the agent's own command or by an earlier try of ours."""
        context = await self._link.context(self._job["id"], self._lease)
        return list(context.get("artifacts") or ())

    async def hand_in(
        self, workspace: Path, stored: list[Json], *, found: bool, named: Sequence[Json] | None = None
    ) -> tuple[str | None, list[Json]]:
        """Upload what artifacts.json names, and give its summary and the claimed artifacts.

        `named` are artifacts as the agent itself has handed them in, in the place of all that lies there.

        Without artifacts.json the files found in the workspace are uploaded, if `found`, and nothing is claimed.
        What is among `stored` is not sent again.
        """
        if named is not None:
            entries = [await asyncio.to_thread(self._named, workspace, entry) for entry in named]
            return None, [await self.claimed(workspace, one, stored) for one in entries]
        gathered = await asyncio.to_thread(gather, workspace, self._limit)
        if gathered.declared:
            claimed = [await self.claimed(workspace, one, stored) for one in gathered.artifacts]
            return gathered.summary, claimed
        if found:
            await self.upload(workspace, await asyncio.to_thread(self._found, workspace), stored)
        return None, []

    def _named(self, workspace: Path, entry: Json) -> Produced:
        return produced(workspace, entry, self._limit) if "path" in entry else Produced(entry)

    def _found(self, workspace: Path) -> tuple[ProducedFile, ...]:
        try:
            found = files_in(workspace, self._limit)
        except ArtifactRefused as refused:
            if self._job.get("contract") is not None:
                raise
            log("files_not_taken", job=self._job["id"], detail=refused.message)
            return ()
        return found if self._job.get("contract") is not None or len(found) <= UNASKED_FILES else ()

    async def claimed(self, workspace: Path, one: Produced, stored: list[Json]) -> Json:
        """Upload an artifact's files and give it as a completion names it: by its id in the store."""
        if not one.files:
            return one.entry
        in_store = await self.upload(workspace, one.files, stored)
        names = [file.name for file in one.files]
        kept = {name: value for name, value in one.entry.items() if name != "path"}
        if len(names) > 1:
            kept.setdefault("files", names)
        return {**kept, "artifact_id": in_store[names.index(_opened(names))]["id"]}

    async def upload(self, workspace: Path, files: Sequence[ProducedFile], stored: list[Json]) -> list[Json]:
        """Give what stands in the store for each file, sending those that are not there."""
        known = await asyncio.to_thread(self._known, workspace, files, stored)
        missing = [file for file in files if file not in known]
        for begin in range(0, len(missing), FILES_AT_ONCE):
            batch = missing[begin : begin + FILES_AT_ONCE]
            known |= dict(zip(batch, await self._send(workspace, batch), strict=True))
        return [known[file] for file in files]

    def _known(
        self, workspace: Path, files: Sequence[ProducedFile], stored: list[Json]
    ) -> dict[ProducedFile, Json]:
        by_look: dict[tuple[str, int], list[Json]] = {}
        for one in stored:
            by_look.setdefault((str(one.get("name")), one.get("bytes", -1)), []).append(one)
        known: dict[ProducedFile, Json] = {}
        for file in files:
            if (file.name, file.size) in by_look:
                content = self._sha256(workspace, file)
                same = (one for one in by_look[file.name, file.size] if one.get("sha256") == content)
                if (found := next(same, None)) is not None:
                    known[file] = found
        return known

    def _sha256(self, workspace: Path, file: ProducedFile) -> str:
        digest = hashlib.sha256()
        with open_inside(workspace, file.path, self._limit) as opened:
            while chunk := opened.read(READ_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    async def _send(self, workspace: Path, batch: Sequence[ProducedFile]) -> list[Json]:
        with ExitStack() as opened:
            uploads = await asyncio.to_thread(self._open, opened, workspace, batch)
            answered = await self._link.upload(self._job["id"], uploads, self._lease)
        if len(answered) != len(batch):
            text = f"the server stored {len(answered)} of {len(batch)} files"
            raise ArtifactRefused("not_stored", batch[0].path, text, "Look at the server's log.")
        return answered

    def _open(self, opened: ExitStack, workspace: Path, batch: Sequence[ProducedFile]) -> list[Upload]:
        return [
            (file.name, opened.enter_context(open_inside(workspace, file.path, self._limit)))
            for file in batch
        ]


def _opened(names: Sequence[str]) -> str:
    """Choose which of a directory's files stands for it: index.html, the only page, or the first."""
    pages = [name for name in names if name.endswith((".html", ".htm"))]
    if "index.html" in names:
        return "index.html"
    return pages[0] if len(pages) == 1 else names[0]
