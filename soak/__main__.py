"""`python -m soak`: simulate thousands of runs on a database of its own, and say what came of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from soak.simulation import Outcome, simulate
from watchkeeper import logs
from watchkeeper.storage import binaries
from watchkeeper.storage.embedded import EmbeddedServer


def main() -> int:
    """Run what was asked for; the exit code is 1 where a promise was broken."""
    args = _arguments()
    logs.configure(level="error", form="text", redact=str)
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    with tempfile.TemporaryDirectory(prefix="watchkeeper-soak-", dir=args.dir) as scratch:
        place = Path(scratch)
        place.chmod(0o711)  # the server may run as a system user of its own
        server = EmbeddedServer(
            place / "database",
            binaries=binaries.find(),
            state_root=place / "state",
            linger_seconds=1.0,
        )
        with server.user(stop_when_last=True):
            url = server.start()
            begun = time.monotonic()
            outcome = asyncio.run(simulate(url, place / "home", runs=args.runs, seed=seed))
    _tell(outcome, time.monotonic() - begun)
    if args.json is not None:
        args.json.write_text(json.dumps(asdict(outcome), indent=1), encoding="utf-8")
    return 1 if outcome.problems else 0


def _tell(outcome: Outcome, seconds: float) -> None:
    print(f"simulation: {outcome.runs:,} runs of {outcome.jobs:,} jobs, seed {outcome.seed}, {seconds:.0f} s")
    for state, count in sorted(outcome.states.items()):
        print(f"  {state:<28} {count:>7,}")
    for problem in outcome.problems:
        print(f"  BROKEN {problem}", file=sys.stderr)
    print("  0 false green, 0 lost, 0 double" if not outcome.problems else "  promises were broken")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs of agents (10,000)")
    parser.add_argument("--seed", type=int, help="replay this seed; else one is drawn, and printed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there")
    parser.add_argument("--dir", type=Path, help="where the server's data goes (the temporary directory)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
