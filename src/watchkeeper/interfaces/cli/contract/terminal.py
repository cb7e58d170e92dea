"""Ending a job: `complete`, `fail` and `release` go through the outbox, so that none is lost."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError
from watchkeeper.interfaces.cli.contract.answers import Queued, Reply, failure, note
from watchkeeper.interfaces.cli.contract.artifacts import files_of, upload_paths
from watchkeeper.interfaces.cli.contract.delivery import STILL_CHECKING, Means, Round, ask, deliver
from watchkeeper.interfaces.cli.contract.outbox import Entry, Outbox
from watchkeeper.interfaces.cli.contract.server import Tokens

TURN_SECONDS = 30.0
"""How long a terminal command waits while another process delivers."""


def end_job(outbox: Outbox | None, means: Means, entry: Entry, fence: Path | None) -> Reply:
    """Send the command that ends a job, after all that wait before it; give the server's answer, or `queued`.

    Files that artifacts name by path are uploaded first; while the server is away the outbox keeps copies.
    """
    for artifact in entry.body.get("artifacts", ()):
        if "path" in artifact:
            files_of(artifact, fence)
    entry, unsent = _upload(entry, means, fence)
    if unsent is not None and 0 < unsent.status < 500 and unsent.code != "internal_error":
        return unsent
    if outbox is None:
        return _unkept(entry, means, unsent, "neither WATCHKEEPER_HOME, XDG_STATE_HOME nor HOME is set")
    try:
        outbox.prepare()
        entry, known = outbox.put(entry, keep_files=unsent is not None)
    except (OSError, WatchkeeperError) as error:
        return _unkept(entry, means, unsent, str(error))
    if unsent is not None:
        return _queued(entry, unsent)
    try:
        return _deliver(outbox, means, entry, known)
    except KeyboardInterrupt:
        if not outbox.holds(entry.id):
            raise
        return _queued(entry, failure(ServerUnreachable("interrupted before the server's answer")))


def _upload(entry: Entry, means: Means, fence: Path | None) -> tuple[Entry, Reply | None]:
    """Upload what is named by path; the second value is the answer that stood in the way."""
    artifacts = entry.body.get("artifacts")
    if not artifacts:
        return entry, None
    tokens = Tokens(means.bearer, entry.lease)
    try:
        uploaded, refusal = upload_paths(means.server, entry.job, artifacts, tokens, fence)
    except ServerUnreachable as error:
        return entry, failure(error)
    return entry._replace(body={**entry.body, "artifacts": uploaded}), refusal


def _deliver(outbox: Outbox, means: Means, entry: Entry, known: bool) -> Reply:
    with outbox.delivering(TURN_SECONDS) as turn:
        if not turn:
            return _queued(entry, failure(ServerUnreachable("another command is still delivering")))
        if not outbox.holds(entry.id):
            return _delivered_by_another(outbox, means, entry)
        done = deliver(outbox, means, entry.id, known)
    reply = done.answers.get(entry.id)
    if reply is None:
        reply = _queued(entry, done.blocked or failure(ServerUnreachable()))
    return _with_report(reply, done, entry.id)


def _delivered_by_another(outbox: Outbox, means: Means, entry: Entry) -> Reply:
    """Learn the answer that another process got: a refusal is kept, a success is told again."""
    if (refused := outbox.refusal(entry.id)) is not None:
        return Reply(refused, 409)
    again, known = outbox.put(entry)
    done = deliver(outbox, means, again.id, known)
    return done.answers.get(again.id) or _queued(again, done.blocked or failure(ServerUnreachable()))


def _queued(entry: Entry, because: Reply) -> Reply:
    cause = because.answer.get("error")
    if because.status == STILL_CHECKING:
        cause = {"code": "verifying", "message": "the gate is still checking"}
    message = f"'{entry.command}' of job {entry.job} is kept and will be delivered before the next claim"
    reply = failure(Queued(message, outbox_id=entry.id, cause=cause))
    return Reply({**reply.answer, "outbox_id": entry.id})


def _unkept(entry: Entry, means: Means, unsent: Reply | None, why: str) -> Reply:
    """Send a command that cannot be kept: without a net, but a reachable server is all that it takes."""
    note(f"this command cannot be kept should the server be away: {why}")
    if unsent is None:
        try:
            reply = ask(entry, means, Tokens(means.bearer, entry.lease))
        except ServerUnreachable as unreachable:
            reply = failure(unreachable)
        if reply.status:
            return reply
        unsent = reply
    message = f"{unsent.answer['error']['message']}; the command is NOT kept, since {why}"
    hint = "Repeat it when the server is back; set WATCHKEEPER_HOME to a folder that this user can write."
    return failure(ServerUnreachable(message, hint=hint))


def _with_report(reply: Reply, done: Round, own_id: str) -> Reply:
    report = done.report(own_id)
    return reply._replace(answer={**reply.answer, "outbox": report}) if report else reply
