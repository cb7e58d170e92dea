"""Delivering the outbox: in order, one process at a time, as far as the server can take it."""

from __future__ import annotations

import time
from typing import NamedTuple
from urllib.parse import quote

from watchkeeper.domain.errors import HTTP_STATUS, ServerUnreachable, UsageError
from watchkeeper.interfaces.cli.contract.answers import Json, Reply, failure, note
from watchkeeper.interfaces.cli.contract.artifacts import upload_paths
from watchkeeper.interfaces.cli.contract.outbox import Entry, Outbox
from watchkeeper.interfaces.cli.contract.server import Body, Patience, Server, Tokens

STILL_CHECKING = 202
DEFAULT_POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
CHANGING_TOKENS = frozenset({HTTP_STATUS["unauthenticated"], HTTP_STATUS["permission_denied"]})


class Means(NamedTuple):
    """With what to deliver: the worker's own token, how patiently, how long to follow a check."""

    server: Server
    bearer: str | None
    patience: Patience
    check_seconds: float


class Round:
    """What one round of delivering did; `blocked` is the answer at which it stopped, None if at none."""

    def __init__(self) -> None:
        self.delivered: list[tuple[Entry, Reply]] = []
        self.refused: list[tuple[Entry, Reply]] = []
        self.answers: dict[str, Reply] = {}
        self.blocked: Reply | None = None

    def record(self, entry: Entry, reply: Reply) -> None:
        (self.delivered if reply.ok else self.refused).append((entry, reply))
        self.answers[entry.id] = reply

    def report(self, except_id: str = "") -> Json:
        """Tell, for an answer, what became of entries beside the command's own; {} for none."""
        delivered = [_shown(entry) for entry, _ in self.delivered if entry.id != except_id]
        refused = [
            {**_shown(entry), "error": reply.answer.get("error")}
            for entry, reply in self.refused
            if entry.id != except_id
        ]
        return {"delivered": delivered, "refused": refused} if delivered or refused else {}


def deliver(outbox: Outbox, means: Means, own_id: str = "", own_is_known: bool = False) -> Round:
    """Deliver what waits, oldest first, and stop at the first entry that the server could not take for good.

    To be called while holding `outbox.delivering()`. A refusal of the entry `own_id` is its caller's to tell:
    it is not kept among the refused, unless it was told as queued before (`own_is_known`), since the caller
    may die before it tells.
    """
    done = Round()
    while entries := outbox.entries():
        entry = entries[0]
        entry, reply = _send(outbox, entry, means)
        own = entry.id == own_id
        if not _final(entry, reply, own):
            done.blocked = reply
            break
        done.record(entry, reply)
        if reply.ok or (own and not own_is_known):
            outbox.remove(entry)
        else:
            outbox.refuse(entry, reply.answer)
            note(f"the server refused the waiting '{entry.command}' of job {entry.job}: {reply.code}")
        if own and not outbox.holds(own_id):
            break
    return done


def _final(entry: Entry, reply: Reply, own: bool) -> bool:
    """Say whether the server has judged a command, as opposed to not having been able to.

    A token that is refused today may be mended tomorrow, unless it is the entry's own, or its caller is here
    to be told.
    """
    if reply.ok:
        return reply.status != STILL_CHECKING
    if reply.status in CHANGING_TOKENS or reply.status == HTTP_STATUS["rate_limited"]:
        return own or (entry.bearer is not None and reply.status in CHANGING_TOKENS)
    return 400 <= reply.status < 500 and reply.code != "internal_error"


def _send(outbox: Outbox, entry: Entry, means: Means) -> tuple[Entry, Reply]:
    tokens = Tokens(entry.bearer or means.bearer, entry.lease)
    try:
        if any("path" in artifact for artifact in entry.body.get("artifacts", ())):
            artifacts, refusal = upload_paths(means.server, entry.job, entry.body["artifacts"], tokens, None)
            if refusal is not None:
                return entry, refusal
            uploaded = entry._replace(body={**entry.body, "artifacts": artifacts})
            if not outbox.update(entry, uploaded):
                return entry, Reply({"ok": True}, STILL_CHECKING)
            entry = uploaded
        return entry, ask(entry, means, tokens)
    except ServerUnreachable as error:
        return entry, failure(error)
    except UsageError as error:
        # Its files are gone or changed: no later delivery can do better.
        return entry, failure(error)._replace(status=HTTP_STATUS["usage"])


def ask(entry: Entry, means: Means, tokens: Tokens) -> Reply:
    """Send one command and, while the server goes on checking, repeat it to learn the end."""
    path = f"/api/worker/jobs/{quote(entry.job, safe='')}/{entry.command}"
    deadline = time.monotonic() + means.check_seconds
    while True:
        reply = means.server.ask(path, Body.of_json(entry.body), tokens, means.patience)
        pause = DEFAULT_POLL_SECONDS if reply.retry_after_seconds is None else reply.retry_after_seconds
        pause = min(pause, LONGEST_PAUSE_SECONDS)
        if reply.status != STILL_CHECKING or time.monotonic() + pause > deadline:
            return reply
        time.sleep(pause)


def _shown(entry: Entry) -> Json:
    return {"outbox_id": entry.id, "command": entry.command, "job": entry.job}
