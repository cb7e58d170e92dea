"""What a command does first: deliver what waits in the outbox; a claim insists on it, the others try."""

from __future__ import annotations

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError
from watchkeeper.interfaces.cli.contract.answers import Json, Queued, Reply, failure, note
from watchkeeper.interfaces.cli.contract.delivery import Means, Round, deliver
from watchkeeper.interfaces.cli.contract.environment import Environment
from watchkeeper.interfaces.cli.contract.leases import file_name
from watchkeeper.interfaces.cli.contract.outbox import Outbox
from watchkeeper.interfaces.cli.contract.server import PATIENT, Patience, Server

CLAIM_TURN_SECONDS = 10.0
CLAIM_CHECK_SECONDS = 60.0
QUICK = Patience(connect_seconds=1.0, answer_seconds=5.0, rate_limit_seconds=0.0)


def deliver_before(command: str, environment: Environment, server: Server) -> tuple[Json, Reply | None]:
    """Deliver what waits before `command`; give what to report, and an answer in the command's stead.

    Only a claim can be stopped so: it must not take a job while the end of another is untold.
    """
    outbox = Outbox(environment.state, environment.worker_id)
    if command == "claim":
        return _insist(outbox, Means(server, environment.token, PATIENT, CLAIM_CHECK_SECONDS))
    try:
        return _try(outbox, Means(server, environment.token, QUICK, 0.0)), None
    except (OSError, WatchkeeperError) as error:
        note(f"the outbox could not be delivered: {error}")
        return {}, None


def _insist(outbox: Outbox, means: Means) -> tuple[Json, Reply | None]:
    outbox.prepare()
    with outbox.delivering(CLAIM_TURN_SECONDS) as turn:
        done = deliver(outbox, means) if turn else Round()
    waiting = outbox.entries()
    if not waiting:
        return done.report(), None
    blocked = done.blocked or failure(ServerUnreachable("another command is still delivering"))
    first = waiting[0]
    what = f"'{first.command}' of job {first.job}"
    others = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    message = f"no job is claimed while {what}{others} could not be delivered"
    reply = failure(
        Queued(message, outbox_id=first.id, waiting=len(waiting), cause=blocked.answer.get("error"))
    )
    return done.report(), Reply({**reply.answer, "outbox_id": first.id})


def _try(outbox: Outbox, means: Means) -> Json:
    with outbox.delivering(0.0) as turn:
        return deliver(outbox, means).report() if turn else {}


def anything_waits(environment: Environment) -> bool:
    """Say whether the worker's outbox holds anything; cheap, for every command asks it."""
    if environment.home is None:
        return False
    folder = environment.state / "outbox" / file_name(environment.worker_id)
    try:
        return any(path.suffix == ".json" for path in folder.iterdir())
    except OSError:
        # No such folder, or not ours to read: nothing that could be delivered.
        return False
