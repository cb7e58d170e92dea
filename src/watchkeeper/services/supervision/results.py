"""What an agent left in its workspace, put into the server's store, and named as a completion names it."""

from __future__ import annotations

import asyncio
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
)
from watchkeeper.logs import log
from watchkeeper.services.supervision.server_link import Json, ServerLink

FILES_AT_ONCE = 100
"""Files of one request: each is an open descriptor while it is sent."""

UNASKED_FILES = 200
"""Without a contract and without artifacts.json no more files than these are taken for results."""


class Results:
    """The results of one attempt. Raises ArtifactRefused for what cannot be taken, and what the link raises."""

    def __init__(self, link: ServerLink, job: dict[str, Any], lease: str, limit_bytes: int) -> None:
        self._link = link
        self._job = job
        self._lease = lease
        self._limit = limit_bytes

    async def hand_in(self, workspace: Path) -> tuple[str | None, list[Json]]:
        """Upload what artifacts.json names, else the files found; give its summary and the claimed artifacts.

        An agent that has uploaded by the contract's own command and wrote no artifacts.json has said what it made.
        """
        gathered = await asyncio.to_thread(gather, workspace, self._limit)
        if gathered.declared:
            return gathered.summary, [await self._claimed(workspace, one) for one in gathered.artifacts]
        context = await self._link.context(self._job["id"], self._lease)
        if not context.get("artifacts"):
            await self._upload(workspace, await asyncio.to_thread(self._found, workspace))
        return None, []

    def _found(self, workspace: Path) -> tuple[ProducedFile, ...]:
        try:
            found = files_in(workspace, self._limit)
        except ArtifactRefused as refused:
            if self._job.get("contract") is not None:
                raise
            log("files_not_taken", job=self._job["id"], detail=refused.message)
            return ()
        return found if self._job.get("contract") is not None or len(found) <= UNASKED_FILES else ()

    async def _claimed(self, workspace: Path, produced: Produced) -> Json:
        if not produced.files:
            return produced.entry
        stored = await self._upload(workspace, produced.files)
        names = [file.name for file in produced.files]
        kept = {name: value for name, value in produced.entry.items() if name != "path"}
        if len(names) > 1:
            kept.setdefault("files", names)
        return {**kept, "artifact_id": stored[names.index(_opened(names))]["id"]}

    async def _upload(self, workspace: Path, files: Sequence[ProducedFile]) -> list[Json]:
        stored: list[Json] = []
        for begin in range(0, len(files), FILES_AT_ONCE):
            batch = files[begin : begin + FILES_AT_ONCE]
            with ExitStack() as opened:
                uploads = [
                    (file.name, opened.enter_context(open_inside(workspace, file.path, self._limit)))
                    for file in batch
                ]
                answered = await self._link.upload(self._job["id"], uploads, self._lease)
            if len(answered) != len(batch):
                text = f"the server stored {len(answered)} of {len(batch)} files"
                raise ArtifactRefused("not_stored", batch[0].path, text, "Look at the server's log.")
            stored += answered
        return stored


def _opened(names: Sequence[str]) -> str:
    """Choose which of a directory's files stands for it: index.html, the only page, or the first."""
    pages = [name for name in names if name.endswith((".html", ".htm"))]
    if "index.html" in names:
        return "index.html"
    return pages[0] if len(pages) == 1 else names[0]
