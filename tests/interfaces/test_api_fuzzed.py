"""The OpenAPI document and the server say the same, whatever is sent."""

from __future__ import annotations

import os

from interfaces.api_fuzzing import STREAMS, fuzzed
from watchkeeper.app.whole import App
from watchkeeper.interfaces.api.openapi import document

EXAMPLES = int(os.environ.get("WATCHKEEPER_FUZZ_EXAMPLES", "2"))
SEED = int(os.environ.get("WATCHKEEPER_FUZZ_SEED", "20261122"))
"""Two requests of each operation, always the same ones; a longer run is one environment variable away."""


async def test_every_answer_is_in_the_document(app: App) -> None:
    """Data that fits, data that does not, and chains along the links: no 5xx, and no answer that is not documented."""
    longer = EXAMPLES > 2
    run = await fuzzed(app, seed=SEED, examples=EXAMPLES, coverage=longer, stateful=EXAMPLES)
    told = "\n\n".join(f"{what}\n{how}" for what, how in sorted(run.wrong.items()))
    assert not run.wrong, f"{len(run.wrong)} of {run.requests} requests:\n{told}"
    operations = {f"{method.upper()} {path}" for path, ways in document()["paths"].items() for method in ways}
    assert run.operations == operations - STREAMS
