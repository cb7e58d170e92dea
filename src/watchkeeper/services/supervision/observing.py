"""Looks at a session from beside its stream: its processes, its workspace and the agent's own transcript; cheaply."""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from watchkeeper.agents.session import Session
from watchkeeper.domain.sessions.facts import (
    ProcessSample,
    SeenProcess,
    SessionFact,
)
from watchkeeper.host.clock import boot_clock
from watchkeeper.host.processes import Process, ProcReader
from watchkeeper.services.supervision.transcript_look import TranscriptLook
from watchkeeper.services.supervision.workspace_look import WorkspaceLook

WORKSPACE_SECONDS = 60.0
WORKSPACE_SHARE = 5000
"""A look at a workspace that took a second is repeated after so many: no tree, however large, takes much of a core."""

MOST_PROCESSES = 100
MOST_DESCRIPTORS = 2000


class Picture:
    """All processes of this machine as they were a moment ago, read once for all sessions: so it is cheap."""

    def __init__(self, reader: ProcReader | None = None) -> None:
        self.reader = reader or ProcReader()
        self._table: Mapping[int, Process] = {}
        self._children: Mapping[int, list[int]] = {}
        self._read_at = float("-inf")

    def table(self, oldest: float) -> Mapping[int, Process]:
        if boot_clock() - self._read_at >= oldest:
            self._table, self._read_at = self.reader.table(), boot_clock()
            children: defaultdict[int, list[int]] = defaultdict(list)
            for process in self._table.values():
                children[process.ppid].append(process.pid)
            self._children = children
        return self._table

    def below(self, root: int, most: int = MOST_PROCESSES) -> list[int]:
        """Give the pids that descend from one, as far as the picture shows."""
        found: list[int] = []
        pending = deque(self._children.get(root, ()))
        while pending and len(found) < most:
            found.append(pending.popleft())
            pending.extend(self._children.get(found[-1], ()))
        return found


class Beside:
    """One turn, seen from beside its stream. Blocks for short times: call it in a thread."""

    def __init__(
        self,
        session: Session,
        workspace: Path,
        transcript: TranscriptLook,
        picture: Picture,
        sample_seconds: float,
    ) -> None:
        self._session = session
        self._shim = session.shim
        self._sample_seconds = sample_seconds
        self._transcript = transcript
        self._picture = picture
        transcript.look()
        self.workspace = WorkspaceLook(workspace)
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._sampled_at = boot_clock()
        self._looked_at = boot_clock()
        self._look_again_at = boot_clock() + WORKSPACE_SECONDS

    @property
    def moved_at(self) -> float | None:
        """Give when something beside the stream last moved, by the files as they are, as Unix time."""
        moved = (self._transcript.written_at, self.workspace.changed_at)
        return max((at for at in moved if at is not None), default=None)

    @property
    def is_due(self) -> bool:
        now = boot_clock()
        return now >= self._sampled_at + self._sample_seconds or now >= self._look_again_at

    def look(self) -> list[SessionFact]:
        """Give what is due: a sample of the processes, growth of the transcript, changes of the workspace."""
        now = boot_clock()
        found: list[SessionFact] = []
        if now >= self._sampled_at + self._sample_seconds:
            self._sampled_at = now
            self.workspace.see_whether_there()
            found += [
                *self._sample(self._picture.table(self._sample_seconds), with_sockets=False),
                *self._transcript.look(),
            ]
        if now >= self._look_again_at:
            found += self._changed()
        return found

    def look_closely(self) -> list[SessionFact]:
        """Give all there is to know right now, sockets too: what is read before anything is interrupted."""
        self._sampled_at = boot_clock()
        return [
            *self._sample(self._picture.table(0.0), with_sockets=True),
            *self._transcript.look(),
            *self._changed(),
        ]

    def _changed(self) -> Iterator[SessionFact]:
        began = time.monotonic()
        changed = self.workspace.look()
        self._look_again_at = boot_clock() + max(
            WORKSPACE_SECONDS, WORKSPACE_SHARE * (time.monotonic() - began)
        )
        if changed.files or changed.commits:
            yield changed

    def _sample(self, table: Mapping[int, Process], *, with_sockets: bool) -> Iterator[ProcessSample]:
        shim = self._shim = self._shim or self._session.shim
        if shim is None or shim.pid not in table or table[shim.pid].start_ticks != shim.start_ticks:
            return
        pids = self._picture.below(shim.pid)
        sockets = self._sockets(pids) if with_sockets else None
        yield ProcessSample(tuple(self._seen(table[pid]) for pid in pids), sockets)

    def _seen(self, process: Process) -> SeenProcess:
        return SeenProcess(
            process.pid, process.ppid, process.state, process.cpu_ticks / self._ticks, process.comm
        )

    def _sockets(self, pids: list[int]) -> int | None:
        found: set[str] = set()
        seen = 0
        for pid in pids:
            try:
                names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 - names are wanted, not paths
            except OSError:
                continue
            for name in names[:MOST_DESCRIPTORS]:
                try:
                    target = os.readlink(f"/proc/{pid}/fd/{name}")  # noqa: PTH115 - half the cost
                except OSError:
                    continue
                seen += 1
                if target.startswith("socket:"):
                    found.add(target)
        return len(found) if seen else None
