"""The one shape of every acting command: do it, or let the server rehearse it and say what would come; show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.output import show
from watchkeeper.logs import log

DEFAULT_REASON = "asked for at the command line"


@dataclass(frozen=True, slots=True)
class Act:
    """A request that changes something. `look` is where a dry run reads the present state.

    `shown` is what a dry run shows of a body that holds secrets.
    """

    sentence: str
    method: str
    path: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    look: str | None = None
    shown: Any = None


def reason_or_default(reason: str | None) -> str:
    return reason or DEFAULT_REASON


def log_reason(command: str, reason: str | None) -> None:
    """Write into the log why something is done on this machine that leaves no row in the audit trail."""
    if reason:
        log("asked_at_command_line", command=command, reason=reason)


def carry_out(act: Act, *, project: str | None, dry_run: bool, as_json: bool, quiet: bool = False) -> Any:
    """Do it, or in a dry run only say so; print and give the answer. `quiet` leaves stdout to the caller's own line."""
    with connected(project) as client:
        answer = client.act(act.method, act.path, act.body, dry_run=dry_run, **act.query)
        if dry_run:
            found = client.get(act.look) if act.look is not None else None
            plan = {
                "dry_run": True,
                "would": act.sentence,
                "request": f"{act.method} {act.path}",
                "body": act.body if act.shown is None else act.shown,
            }
            answer = {"ok": True, **plan, "present": _core(found), "answer": answer}
    if as_json:
        show(answer, as_json=True)
    elif dry_run:
        state = f" (now {answer['present']['state']})" if "state" in answer["present"] else ""
        show(None, as_json=False, empty=f"would {act.sentence}{state}; nothing was done")
    elif not quiet:
        show(None, as_json=False, empty=f"done: {act.sentence}")
    return answer


def _core(found: Any) -> dict[str, Any]:
    """Give of what was looked at the part that tells its present state."""
    records = [found.get(name) for name in ("job", "incident", "session")] if isinstance(found, dict) else []
    record: dict[str, Any] = next(filter(None, records), {})
    return {name: record[name] for name in ("id", "kind", "state", "state_reason") if name in record}
