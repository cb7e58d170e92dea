"""`python -m bench`: measure, print the table, and write all figures as JSON."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench import (
    agent_death,
    api,
    audit_seal,
    backup,
    console,
    contract_command,
    deep_tables,
    detection,
    drain,
    enqueue,
    host_scan,
    idle,
    one_claim,
    renewal,
    report,
    rescue,
    retention_year,
    sessions,
    sweep,
    up,
    wake_up,
)
from bench.calibration import calibrate
from bench.plan import Bench, NotMeasurableError, Plan, Row, not_measured
from bench.server import Server, embedded
from watchkeeper import logs

MEASUREMENTS: dict[str, Callable[[Bench], Awaitable[list[Row]]]] = {
    "drain": drain.measure,
    "deep-tables": deep_tables.measure,
    "enqueue": enqueue.measure,
    "wake-up": wake_up.measure,
    "one-claim": one_claim.measure,
    "renewal": renewal.measure,
    "rescue": rescue.measure,
    "agent-death": agent_death.measure,
    "contract-command": contract_command.measure,
    "sessions": sessions.measure,
    "audit-seal": audit_seal.measure,
    "idle": idle.measure,
    "up": up.measure,
    "retention-year": retention_year.measure,
    "backup": backup.measure,
    "detection": detection.measure,
    "sweep": sweep.measure,
    "console": console.measure,
    "api": api.measure,
    "host-scan": host_scan.measure,
}


NEEDS_MORE = {"agent-death": agent_death, "contract-command": contract_command, "up": up}
"""What cannot be measured in a tree that lacks a command."""


def main() -> int:
    """Run the measurements that were asked for; the exit code is 1 when one of them falls short."""
    args = _arguments()
    logs.configure(level="error", form="text", redact=str)
    plan = Plan.quick() if args.quick else Plan()
    if args.rounds:
        plan = replace(plan, rounds=args.rounds)
    if args.jobs:
        plan = replace(plan, jobs=args.jobs)
    with ExitStack() as stack:
        scratch = Path(tempfile.mkdtemp(prefix="watchkeeper-bench-", dir=args.dir))
        scratch.chmod(0o711)  # the server runs as another user where we are root
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        server = Server(args.database_url) if args.database_url else stack.enter_context(embedded(scratch))
        return asyncio.run(run(Bench(plan, server, scratch), args.only or list(MEASUREMENTS), args.json))


async def run(bench: Bench, names: list[str], json_file: Path | None) -> int:
    """Measure, print and write."""
    calibration = await calibrate(bench)
    bench.say(f"{report.machine()}; {report.calibration_text(calibration)}")
    named: dict[str, list[Row]] = {}
    for name in names:
        try:
            named[name] = await MEASUREMENTS[name](bench)
        except NotMeasurableError as error:
            named[name] = [not_measured(*_row_of(name), str(error))]
        except Exception as error:  # noqa: BLE001 - one that fails must not cost the figures of the others
            named[name] = [Row(*_row_of(name), f"failed: {type(error).__name__}: {error}", ok=False)]
    print(report.table([row for rows in named.values() for row in rows]))
    print(f"\n{report.machine()}; {report.calibration_text(calibration)}; {bench.plan.rounds} rounds")
    if json_file is not None:
        report.write(json_file, report.document(bench.plan, calibration, named))
    return 1 if any(row.ok is False for rows in named.values() for row in rows) else 0


def _row_of(name: str) -> tuple[str, str]:
    module = NEEDS_MORE.get(name)
    return (module.WHAT, module.REQUIRED) if module else (name, "")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (5)")
    parser.add_argument("--jobs", type=int, help="jobs of each drain and bulk enqueue (30,000)")
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), help="measure this; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--dir", type=Path, help="where the server's data goes: a real disk (the temporary directory)"
    )
    parser.add_argument(
        "--database-url", help="measure on this server instead, as a user that may make databases"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
