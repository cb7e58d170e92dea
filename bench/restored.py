"""What a backup is of, and whether it came back: files of finished jobs, a sealed trail, and the restore's proof."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench import server
from bench.commands import PROGRAM
from bench.peers import sql
from bench.plan import Bench, Row
from watchkeeper import JobContext, job
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.worker import HandlerWorker, WorkerConfig
from watchkeeper.settings import Settings

FILES = 300
PROJECT = "files"
AUDIT_ROWS_A_JOB = 0.5
"""A bulk enqueue writes one row for a thousand jobs: these stand for what claims and completions have written."""

OUTSIDE = ("audit-key", "audit-keys.pub", "audit-anchor.jsonl")
"""What docs/backup.md keeps apart from a backup and puts into the new home first."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the chain ended before the backup, and how long sealing took."""

    rows: int
    number: int
    hash: bytes
    seconds: float


async def add_files(home: Path, url: str) -> None:
    """Let a worker complete jobs that each store a file of their own."""
    app = root.build(Settings(home=home, database_url=url))
    await app.database.open()
    try:
        await app.kinds.ensure_project(PROJECT)
        await _complete(app, url)
    finally:
        await app.database.close()


async def _complete(app: App, url: str) -> None:
    @job("page")
    async def page(context: JobContext) -> None:
        number = context.payload["i"]
        await context.upload("page.html", f"<h1>page {number}</h1>{number:07}".encode() * 1000)

    asked = [JobRequest("page", {"i": number}) for number in range(FILES)]
    await app.queue.enqueue(PROJECT, asked, actor="bench")
    worker = HandlerWorker([page], app.desk, WorkerConfig(PROJECT, concurrency=10))
    working = asyncio.create_task(worker.run())
    while cast("int", await server.value(url, sql("watchkeeper_finished"), PROJECT, 0)) < FILES:
        if working.done():
            break
        await asyncio.sleep(0.1)
    worker.stop()
    await working


async def seal(bench: Bench, home: Path, url: str) -> Sealed:
    """Write audit rows and seal all that there are at full speed, anchored in the home."""
    await server.execute(url, sql("audit_fill"), int(bench.plan.depth * AUDIT_ROWS_A_JOB))
    await server.settle(url)
    app = root.build(Settings(home=home, database_url=url))
    await app.database.open()
    try:
        sealer = AuditSealer(app.database, app.audit_files, anchor_seconds=0.0)
        begun = time.perf_counter()
        while await server.value(url, sql("audit_unsealed")):
            for _ in range(20):
                await sealer.run_once()
        seconds = time.perf_counter() - begun
    finally:
        await app.database.close()
    head = await server.row(url, sql("audit_head"))
    return Sealed(head["rows"], head["number"], head["hash"], seconds)


async def restore(bench: Bench, old: Path, url: str, path: Path, sealed: Sealed) -> Row:
    """Restore into an empty database and a home that has nothing but what stands outside a backup."""
    home = bench.scratch / "second-home"
    home.mkdir(mode=0o700)
    for name in OUTSIDE:
        shutil.copy2(old / name, home / name)
    begun = time.perf_counter()
    await command(home, url, "db", "restore", str(path))
    seconds = time.perf_counter() - begun
    files = await command(home, url, "artifacts", "verify")
    chain = await command(home, url, "audit", "verify")
    found = await server.row(url, sql("restored"), sealed.number)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    wrong = differences(manifest, found, sealed, files, chain)
    return Row(
        what=f"restore of {bench.plan.depth:,} jobs into another home",
        required="rows, files and chain verify",
        reached=f"{found['jobs']:,} jobs, {files['files']:,} files, {chain['rows']:,} audit rows below "
        f"{chain['seals']:,} seals, {sealed.rows:,} of them sealed before the backup (in {sealed.seconds:.0f} s): "
        f"{'; '.join(wrong) or 'they do'}, in {seconds:.1f} s",
        ok=not wrong,
        figures={"seconds": seconds, "found": found | {"hash": found["hash"].hex()}, "files": files}
        | {"chain": chain, "tables": manifest["tables"], "sealing_seconds": sealed.seconds},
    )


def differences(
    manifest: dict[str, Any],
    found: dict[str, Any],
    sealed: Sealed,
    files: dict[str, Any],
    chain: dict[str, Any],
) -> list[str]:
    """Name what did not come back as the manifest, or the chain of before the backup, has it."""
    tables = manifest["tables"]
    held = {
        "jobs": found["jobs"] == tables["job_specs"],
        "waiting and paused jobs": found["waiting"] == tables["ready_jobs"] + tables["leases"],
        "artifacts": found["artifacts"] == tables["artifacts"] == FILES,
        "audit rows of before": found["audit_rows"] == tables["audit_events"] >= sealed.rows > 0,
        "audit rows verified": chain["rows"] == found["audit_rows"] + found["new_audit_rows"],
        "rows of the restore itself": chain["unsealed_rows"] == 0 < found["new_audit_rows"],
        "files": files["ok"] and files["files"] == manifest["files"] == FILES,
        "chain": chain["ok"] and found["hash"] == sealed.hash and chain["seals"] > sealed.number,
        "the anchor": (chain["anchored_to"] or 0) >= sealed.number,
    }
    return [f"{what} differ" for what, same in held.items() if not same]


async def command(home: Path, url: str, *arguments: str) -> dict[str, Any]:
    """Run a command on a database and give its JSON; raise RuntimeError where it fails."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    environment = {**own, "WATCHKEEPER_HOME": str(home), "WATCHKEEPER_DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, *arguments, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    said, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"'watchkeeper {' '.join(arguments)}' failed: {(said + errors).decode()[-600:]}")
    answer: dict[str, Any] = json.loads(said)
    return answer
