"""`doctor`: what the server says of itself, and what only this side can know: token, state folder, outbox."""

from __future__ import annotations

from watchkeeper.domain.errors import ServerUnreachable, WatchkeeperError
from watchkeeper.interfaces.cli.contract import environment
from watchkeeper.interfaces.cli.contract.answers import Json, Reply, failure
from watchkeeper.interfaces.cli.contract.caller import Caller
from watchkeeper.interfaces.cli.contract.leases import LeaseStore
from watchkeeper.interfaces.cli.contract.outbox import Outbox

BLAMED = {"unauthenticated": "token", "permission_denied": "token", "database_unavailable": "database"}
"""Which check an error of the server's fails; any other one fails `request`."""


def doctor(caller: Caller) -> Reply:
    """Ask the server for its checks and add ours; `ok` is false where one failed or no server is."""
    wanted = {}
    if caller.parsed.option("system") is not None:
        wanted, caller = (
            {"system": True},
            caller._replace(environment=environment.as_owner(caller.environment)),
        )
    try:
        reply = caller.as_worker("doctor", wanted)
    except ServerUnreachable as error:
        reply = failure(error)
    told = _told(reply, caller)
    own = [] if any(check["name"] == "token" for check in told) else [_token(caller)]
    checks = [*told, *own, _state_folder(caller), _outbox(caller)]
    unknown: Json = {"touch": {"ok": False}, "server": {"ok": bool(reply.status)}, "database": {"ok": None}}
    answer = {
        **(unknown if not reply.ok and "checks" not in reply.answer else {}),
        **reply.answer,
        "token_present": caller.environment.token is not None,
        "worker_id": reply.answer.get("worker_id") or caller.environment.worker_id,
        "checks": checks,
    }
    return reply._replace(answer={**answer, "ok": all(check["ok"] for check in checks) and reply.ok})


def _told(reply: Reply, caller: Caller) -> list[Json]:
    told = reply.answer.get("checks")
    if isinstance(told, list):
        return told
    error = reply.answer.get("error")
    detail = error["message"] if isinstance(error, dict) else f"{caller.server.url} answers"
    if not reply.status or reply.ok:
        return [_check("server", reply.ok, detail)]
    # It answers, but with an error, which is about what the error names.
    return [
        _check("server", True, f"{caller.server.url} answers"),
        _check(BLAMED.get(reply.code, "request"), False, detail),
    ]


def _token(caller: Caller) -> Json:
    present = caller.environment.token is not None
    return _check("token", present, "WATCHKEEPER_TOKEN is set" if present else "WATCHKEEPER_TOKEN is not set")


def _state_folder(caller: Caller) -> Json:
    try:
        LeaseStore(caller.environment.state, caller.environment.worker_id).prepare()
    except WatchkeeperError as error:
        return _check("state_folder", False, error.message)
    return _check("state_folder", True, str(caller.environment.state))


def _outbox(caller: Caller) -> Json:
    if caller.environment.home is None:
        return _check("outbox", True, "there is none")
    try:
        waiting = Outbox(caller.environment.state, caller.environment.worker_id).entries()
    except OSError as error:
        return _check("outbox", False, f"it cannot be read: {error.strerror}")
    if not waiting:
        return _check("outbox", True, "nothing waits")
    first = waiting[0]
    return _check("outbox", False, f"{len(waiting)} wait; the first is '{first.command}' of job {first.job}")


def _check(name: str, ok: bool, detail: str) -> Json:
    return {"name": name, "ok": ok, "detail": detail}
