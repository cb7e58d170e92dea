"""The commands that ask and report: one function each, from the parsed arguments to the answer."""

from __future__ import annotations

import math
from collections.abc import Callable

from watchkeeper.domain.errors import UsageError, WatchkeeperError
from watchkeeper.interfaces.cli.contract.answers import Json, Reply
from watchkeeper.interfaces.cli.contract.artifacts import read_artifacts, upload
from watchkeeper.interfaces.cli.contract.caller import Caller
from watchkeeper.interfaces.cli.contract.delivery import Means
from watchkeeper.interfaces.cli.contract.doctor import doctor
from watchkeeper.interfaces.cli.contract.leases import LeaseStore
from watchkeeper.interfaces.cli.contract.outbox import Entry, Outbox
from watchkeeper.interfaces.cli.contract.server import ANSWER_SECONDS, PATIENT, Patience
from watchkeeper.interfaces.cli.contract.terminal import end_job
from watchkeeper.interfaces.cli.contract.uploads import collect

CHECK_SECONDS = 15 * 60.0
"""How long `complete` and `verify` follow a check that goes on; the server ends one after 10 minutes."""

CLAIM_LIMIT_SECONDS = 3600.0


def touch(caller: Caller) -> Reply:
    automation = caller.parsed.option("automation-id")
    return caller.as_worker("touch", {} if automation is None else {"automation_id": automation})


def claim(caller: Caller) -> Reply:
    """Take a job and keep its lease, whose place is made first: a lease that cannot be kept is lost."""
    wait = _seconds(caller.parsed.option("wait"))
    leases = LeaseStore(caller.environment.state, caller.environment.worker_id)
    leases.prepare()
    body = {"kinds": caller.parsed.options.get("kind", []), "wait_seconds": wait}
    reply = caller.as_worker("claim", body, Patience(answer_seconds=ANSWER_SECONDS + wait))
    job = reply.answer.get("job")
    if not reply.ok or not isinstance(job, dict):
        return reply
    if not isinstance(job.get("lease_token"), str) or not isinstance(job.get("id"), str):
        raise WatchkeeperError("the server gave a job without an id or a lease")
    try:
        leases.keep(job)
    except OSError as error:
        raise WatchkeeperError(
            f"job {job['id']} was claimed, but its lease cannot be kept: {error.strerror}",
            hint="Make room and claim again: an unused lease is handed out again.",
        ) from None
    return reply


def context(caller: Caller) -> Reply:
    return caller.on_job("context", None)


def progress(caller: Caller) -> Reply:
    _, message, phase = caller.parsed.values
    body: Json = {"message": caller.texts.text(message, "MESSAGE"), "phase": phase}
    if (payload := caller.parsed.option("payload")) is not None:
        body["payload"] = caller.texts.json(payload, "--payload")
    return caller.on_job("progress", body)


def upload_files(caller: Caller) -> Reply:
    files = collect(caller.parsed.values[1:], caller.environment.workspace)
    return upload(caller.server, caller.job, files, caller.tokens)


def verify(caller: Caller) -> Reply:
    url = caller.parsed.option("url")
    return caller.on_job(
        "verify", {} if url is None else {"url": url}, Patience(answer_seconds=CHECK_SECONDS)
    )


def complete(caller: Caller) -> Reply:
    _, summary, artifacts = caller.parsed.values
    body = {
        "summary": caller.texts.text(summary, "SUMMARY"),
        "artifacts": read_artifacts(caller.texts.json(artifacts, "ARTIFACTS_JSON")),
    }
    return _end(caller, body)


def give_up(caller: Caller) -> Reply:
    """Do `fail` and `release`, which differ in their name only."""
    reason = caller.texts.text(caller.parsed.values[1], "REASON")
    if not reason.strip():
        raise UsageError("REASON is empty", hint="Say why, for whoever looks at the job next.")
    return _end(caller, {"reason": reason})


def _end(caller: Caller, body: Json) -> Reply:
    home = caller.environment.home
    outbox = None if home is None else Outbox(caller.environment.state, caller.environment.worker_id)
    means = Means(caller.server, caller.environment.token, PATIENT, CHECK_SECONDS)
    lease = caller.tokens.lease
    entry = Entry("", caller.parsed.command.name, caller.job, lease, None if lease else means.bearer, body)
    return end_job(outbox, means, entry, caller.environment.workspace)


def _seconds(given: str | None) -> float:
    try:
        seconds = float(given or 0)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= CLAIM_LIMIT_SECONDS:
        raise UsageError(f"--wait is {given!r}; it is a number of seconds from 0 to {CLAIM_LIMIT_SECONDS:g}")
    return int(seconds) if seconds.is_integer() else seconds


COMMANDS: dict[str, Callable[[Caller], Reply]] = {
    "doctor": doctor,
    "touch": touch,
    "claim": claim,
    "context": context,
    "progress": progress,
    "upload-files": upload_files,
    "verify": verify,
    "complete": complete,
    "fail": give_up,
    "release": give_up,
}
