"""A process that follows many quiet sessions, as `work --agent` does, and tells what they cost. Run by sessions.py.

`python -m bench.session_crowd NUMBER SECONDS`: one JSON object on stdout.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.agents.codex import CodexStream
from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.spawning import Nursery
from watchkeeper.agents.user import own_user
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.logs import configure
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.following import Following, Seen
from watchkeeper.services.supervision.observing import Beside, Picture
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.seams import Unrecorded
from watchkeeper.services.supervision.transcript_look import TranscriptLook
from watchkeeper.services.supervision.turn_watch import TurnWatch

AGENT = (
    """echo '{"type":"thread.started","thread_id":"t"}'; echo '{"type":"turn.started"}'; exec sleep 3600"""
)
SETTLE_SECONDS = 5.0
SAMPLE_SECONDS = 10.0


def session_in(place: Path, number: int, nursery: Nursery) -> Session:
    work = place / f"work-{number}"
    work.mkdir()
    spec = SessionSpec(
        directory=place / f"session-{number}",
        command=["sh", "-c", AGENT],
        environment={"PATH": os.environ["PATH"]},
        workspace=work,
        user=own_user(),
        home=place,
        grace_seconds=1.0,
    )
    return Session.start(spec, nursery.spawn)


def following(session: Session, place: Path, picture: Picture) -> Following:
    clock, redactor = SteadyClock(), Redactor(["a-secret-that-nobody-says"])
    watch = TurnWatch(
        CodexStream(),
        Conversation("codex"),
        SessionWatch(),
        Unrecorded().begin(),
        redactor,
        clock,
        lambda: None,
    )
    workspace = session.workspace or place
    directory = place / f"copies-{session.directory.name}"
    directory.mkdir()
    seen = Seen(
        OutputWatch(session, directory, redactor, watch),
        watch,
        Beside(session, workspace, TranscriptLook(lambda: None, None), picture, SAMPLE_SECONDS),
    )
    return Following("bench", session, seen, clock, lambda: None, lambda: None)


def pss(pids: Iterable[int]) -> int:
    """Sum the bytes that processes take, what they share counted by parts; what is gone takes none."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def cpu(pids: Iterable[int]) -> float:
    """Sum the seconds of CPU that processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def crowd(number: int, seconds: float) -> dict[str, float]:
    me = os.getpid()
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as scratch:
        place, picture, nursery = Path(scratch), Picture(), Nursery()
        first = session_in(place, 0, nursery)
        tasks = [asyncio.create_task(following(first, place, picture).to_its_end())]
        await asyncio.sleep(SETTLE_SECONDS)
        alone = pss([me, *shims([first])])
        sessions = [first, *(session_in(place, one, nursery) for one in range(1, number))]
        tasks += [asyncio.create_task(following(one, place, picture).to_its_end()) for one in sessions[1:]]
        await asyncio.sleep(SETTLE_SECONDS)
        everybody = shims(sessions)
        own, theirs, began = time.process_time(), cpu(everybody), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        own, theirs = time.process_time() - own, cpu(everybody) - theirs
        together = pss([me, *everybody])
        for one in sessions:
            one.interrupt("measured")
        await asyncio.gather(*tasks)
        nursery.stop()
    return {
        "bytes_a_session": (together - alone) / (number - 1),
        "own_cpu_share": own / took,
        "shims_cpu_share": theirs / took,
    }


def shims(sessions: Iterable[Session]) -> list[int]:
    return [shim.pid for one in sessions if (shim := one.shim) is not None]


if __name__ == "__main__":
    configure(level="error", form="json", redact=str)
    print(json.dumps(asyncio.run(crowd(int(sys.argv[1]), float(sys.argv[2])))))
