"""`python -m soak`: thousands of simulated runs, and faults on a real fleet; says what came of leases and jobs."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psycopg

from soak.faults import FAULTS
from soak.matrix import Found, befall, page
from soak.places import Place
from soak.sessions import Crowd, crowd, told
from soak.simulation import Outcome, simulate
from watchkeeper import logs
from watchkeeper.storage import binaries
from watchkeeper.storage.embedded import EmbeddedServer


def main() -> int:
    """Run what was asked for; the exit code is 1 where a promise was broken."""
    args = _arguments()
    logs.configure(level="error", form="text", redact=str)
    whole, results, outcome = True, {}, None
    if args.only in (None, "simulation"):
        outcome = _simulated(args)
        results["simulation"] = asdict(outcome)
        whole &= not outcome.problems
    if args.only in (None, "sessions"):
        seen = _crowd(args)
        results["sessions"] = asdict(seen)
        whole &= not seen.problems
    if args.only in (None, "matrix"):
        found = list(_matrix(args))
        results["matrix"] = [asdict(row) for row in found]
        whole &= all(row.is_whole for row in found)
        text = page(found, outcome)
        print(text, end="")
        if args.page is not None:
            args.page.write_text(text, encoding="utf-8")
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0 if whole else 1


def _simulated(args: argparse.Namespace) -> Outcome:
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    begun = time.monotonic()
    with _server(args.dir) as (server, scratch):
        place = _place(server, scratch, "simulation")
        outcome = asyncio.run(simulate(place.url, place.scratch, runs=args.runs, seed=seed))
    seconds = time.monotonic() - begun
    print(f"simulation: {outcome.runs:,} runs of {outcome.jobs:,} jobs, seed {seed}, {seconds:.0f} s")
    for state, count in sorted(outcome.states.items()):
        print(f"  {state:<28} {count:>7,}")
    print(
        f"  {outcome.classified:,} of {outcome.standing_still:,} that stand still are classified, with a repair"
    )
    for problem in outcome.problems:
        print(f"  BROKEN {problem}", file=sys.stderr)
    print("  0 false green, 0 lost, 0 double" if not outcome.problems else "  promises were broken")
    return outcome


def _crowd(args: argparse.Namespace) -> Crowd:
    with _server(args.dir) as (server, scratch):
        seen = asyncio.run(crowd(_place(server, scratch, "crowd"), args.seconds))
    print(told(seen))
    return seen


def _matrix(args: argparse.Namespace) -> Iterator[Found]:
    with _server(args.dir) as (server, scratch):
        for number, fault in enumerate(FAULTS):
            found = asyncio.run(befall(fault, _place(server, scratch, f"fault_{number}")))
            print(f"{fault.name}: {'held' if found.is_whole else 'BROKEN'}", file=sys.stderr, flush=True)
            yield found


@contextmanager
def _server(directory: Path | None) -> Iterator[tuple[EmbeddedServer, Path]]:
    with tempfile.TemporaryDirectory(prefix="watchkeeper-soak-", dir=directory) as scratch:
        place = Path(scratch)
        place.chmod(0o711)  # the server may run as a system user of its own
        server = EmbeddedServer(
            place / "database", binaries=binaries.find(), state_root=place / "state", linger_seconds=1.0
        )
        with server.user(stop_when_last=True):
            server.start()
            yield server, place


def _place(server: EmbeddedServer, scratch: Path, name: str) -> Place:
    own = scratch / name
    own.mkdir()
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = psycopg.conninfo.make_conninfo(server.admin_url(), dbname=name)

    def restart() -> None:
        server.stop(force=True)
        server.start()

    return Place(url, url, own, restart)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--only", choices=("simulation", "matrix", "sessions"), help="run this alone")
    parser.add_argument("--runs", type=int, default=10_000, help="simulated runs of agents (10,000)")
    parser.add_argument("--seconds", type=float, default=300.0, help="for how long sessions are killed (300)")
    parser.add_argument("--seed", type=int, help="replay this seed; else one is drawn, and printed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write the matrix, and the simulation, there"
    )
    parser.add_argument("--dir", type=Path, help="where the server's data goes (the temporary directory)")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
