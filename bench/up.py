"""`watchkeeper up` on a data directory that exists, from its start until it answers that it is ready."""

from __future__ import annotations

from bench import commands
from bench.plan import Bench, Row, Spread

MOST_SECONDS = 3.0
WHAT = "`up` on an existing data directory, to ready"
REQUIRED = f"<= {MOST_SECONDS:g} s"


async def measure(bench: Bench) -> list[Row]:
    """Start it once to make the data directory, then time its starts."""
    commands.need("up")
    home = bench.scratch / "up-home"
    home.mkdir()
    home.chmod(0o711)
    settings = commands.environment(home, commands.free_port())
    with commands.ready("up", settings) as first:
        bench.say(f"up: {first:.1f} s with a new database")
    times = []
    for _ in range(bench.plan.rounds):
        with commands.ready("up", settings) as seconds:
            times.append(seconds)
    found = Spread.of(times)
    return [
        Row(
            what=WHAT,
            required=REQUIRED,
            reached=found.text(2, " s"),
            ok=found.median <= MOST_SECONDS,
            figures={"seconds": found.json(), "first_seconds": first},
        )
    ]
