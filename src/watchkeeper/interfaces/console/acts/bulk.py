"""Acts on all jobs that match a filter: begun after a preview, stopped at any time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from watchkeeper.domain.bulk import BulkFilter
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.format import short
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid

AS_NOW = message("It goes on as it does now.")


def filter_of(said: Mapping[str, str | None]) -> BulkFilter:
    """Read a filter as addresses and forms say it; raise UsageError for what is none."""
    try:
        before = datetime.fromisoformat(said.get("made_before") or "")
        state = JobState(said.get("state") or "")
    except ValueError:
        raise UsageError("the filter needs a state, and the time before which the jobs were made") from None
    if before.tzinfo is None:
        raise UsageError("the time of the filter names no zone")
    return BulkFilter(said.get("what") or "", state, said.get("kind") or None, before)


async def look_at_matching(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    wanted = filter_of(target)
    found = await ground.app.bulk.preview(project, wanted)
    examples = ", ".join(f"{short(row['id'])} {row['kind']}" for row in found["examples"])
    facts: tuple[Fact, ...] = (
        (message("Jobs that match"), f"{found['matching']}{'+' if found['capped'] else ''}"),
        (message("State"), words.JOB_STATES[wanted.state]),
        (message("Kind"), wanted.kind or "*"),
        (message("Made before"), wanted.made_before),
        (message("The first of them"), examples or "–"),
    )
    return Seen(f"{wanted.what} · {wanted.state}", facts)


async def look_at_bulk_act(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    found = as_uuid(target["act_id"])
    if found is None:
        raise UsageError("the address names no bulk act")
    row = await ground.app.bulk.show(project, found)
    facts: tuple[Fact, ...] = (
        (message("State"), words.BULK_STATES[row["state"]]),
        (message("Moved"), str(row["done"])),
        (message("Skipped"), str(row["skipped"])),
    )
    return Seen(f"{row['what']} · {row['of_state']}", facts, row["state"], frozenset({str(row["id"])}))


BEGIN = Act(
    name="bulk-begin",
    route="POST /api/bulk-acts",
    right=Right.OPERATE,
    title=message("Do it to all that match"),
    plan=message("The watch does it to each matching job, in batches, with an audit row for each one."),
    touches=message("All jobs of the project that match at the moment when their batch comes."),
    stays=message("Jobs in other states, jobs that are made from now on, and jobs of foreign queues."),
    undo=message(
        "It can be stopped; what was moved until then stays moved. A bulk act the other way moves it back."
    ),
    otherwise=AS_NOW,
    look=look_at_matching,
    target=("what", "state", "made_before"),
    filters=("kind",),
)
STOP = Act(
    name="bulk-stop",
    route="POST /api/bulk-acts/{act_id}/stop",
    right=Right.OPERATE,
    title=message("Stop the bulk act"),
    plan=message("No further batch begins."),
    touches=message("One bulk act."),
    stays=message("What it has moved stays moved."),
    undo=message("It does not go on; the same one can be begun anew."),
    otherwise=message("It goes on until it has looked at all jobs."),
    look=look_at_bulk_act,
    target=("act_id",),
)

ACTS = (BEGIN, STOP)
