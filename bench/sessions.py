"""Agent sessions: what a quiet one costs beside many others, and how fast a loud one is read."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.plan import Bench, NotMeasurableError, Row, Spread
from watchkeeper.agents.known import stream
from watchkeeper.agents.session import Session
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.seams import Unrecorded
from watchkeeper.services.supervision.turn_watch import TurnWatch

SESSIONS = 50
MOST_BYTES = 5_000_000
MOST_SHARE = 0.01
LEAST_LINES, LEAST_BYTES = 20_000, 20_000_000
CHUNK_BYTES = 4 * 1024 * 1024
RECORDED = Path(__file__).parents[1] / "tests/fixtures/agents"


async def measure(bench: Bench) -> list[Row]:
    """Follow quiet sessions in a process of their own, and read recorded streams as a supervisor does."""
    crowd = await _crowd(bench)
    recorded = {agent: _recorded_lines(agent) for agent in ("codex", "claude")}
    count = sum(map(len, recorded.values()))
    mean = sum(len(line) for lines in recorded.values() for line in lines) / count
    times = 60_000 // count
    rate = Spread.of([
        times * count / sum(_seconds(agent, lines * times) for agent, lines in recorded.items())
        for _ in range(bench.plan.rounds)
    ])  # fmt: skip
    text = "The build went on for a while and said a great deal of it. " * 17_000
    long = json.dumps({"type": "item.completed", "item": {"id": "1", "type": "reasoning", "text": text}})
    loud = Spread.of([20 * len(long) / _seconds("codex", [long] * 20) for _ in range(bench.plan.rounds)])
    share = crowd["own_cpu_share"] + crowd["shims_cpu_share"]
    return [
        Row("memory for each further session, its shim included", "<= 5 MB",
            f"{crowd['bytes_a_session'] / 1e6:.1f} MB", crowd["bytes_a_session"] <= MOST_BYTES, crowd),
        Row(f"CPU of {SESSIONS} quiet sessions, shims included", "< 1 % of a core",
            f"{share * 100:.2f} %", share < MOST_SHARE, crowd),
        Row(f"recorded lines of {mean:.0f} bytes, through redaction and the watch", ">= 20,000 lines/s",
            rate.text(0, " lines/s"), rate.median >= LEAST_LINES, {"lines": rate.json()}),
        Row("long lines, through the same", ">= 20 MB/s",
            f"{loud.median / 1e6:.1f} MB/s", loud.median >= LEAST_BYTES, {"bytes": loud.json()}),
    ]  # fmt: skip


async def _crowd(bench: Bench) -> dict[str, float]:
    seconds = str(max(20.0, bench.plan.idle_seconds))
    command = [sys.executable, "-m", "bench.session_crowd", str(SESSIONS), seconds]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise NotMeasurableError(f"the sessions could not be followed: exit code {process.returncode}")
    return dict(json.loads(told))


def _recorded_lines(agent: str) -> list[str]:
    files = sorted((RECORDED / agent).glob("*.jsonl"))
    if not files:
        raise NotMeasurableError("no recorded streams are there")
    return [line for file in files for line in file.read_text().splitlines()]


def _seconds(agent: str, lines: list[str]) -> float:
    """Give how long one supervisor takes for a stream, from its file to the judgement."""
    with tempfile.TemporaryDirectory(prefix="wk-bench-") as scratch:
        place = Path(scratch)
        (place / "session").mkdir()
        said = place / "session/stdout"
        redactor = Redactor(["a-secret-that-nobody-says"])
        watch = TurnWatch(
            stream(agent),
            Conversation(agent),
            SessionWatch(),
            Unrecorded().begin(),
            redactor,
            SteadyClock(),
            lambda: None,
        )
        output = OutputWatch(Session.adopt(place / "session"), place, redactor, watch)
        took, waiting = 0.0, [line.encode() + b"\n" for line in lines]
        while waiting:
            # No more at once than is ever read at once: a backlog would be passed over.
            chunk, size = [], 0
            while waiting and size < CHUNK_BYTES:
                chunk.append(waiting.pop())
                size += len(chunk[-1])
            with said.open("ab") as file:
                file.writelines(chunk)
            began = time.process_time()
            while output.has_more:
                output.look()
            watch.look()
            took += time.process_time() - began
    return took
