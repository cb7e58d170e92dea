"""What repairs ask of a guarded helper's worker, as the server's answers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.guarded_commands import GuardedCommands
from watchkeeper.domain.heartbeat_steps import Call, Command, Ended, Ending, Play, Verdict
from watchkeeper.domain.rules.names import RepairAction

GIVING_UP = {
    RepairAction.RELEASE: Command.RELEASE,
    RepairAction.RECLAIM: Command.RELEASE,
    RepairAction.FAIL: Command.FAIL,
}
"""What ends the hold on a job, and by which command of the helper: who is to take it up is the other queue's matter."""


@dataclass(frozen=True, slots=True)
class HelperRequest:
    """One request of a repair. `job` is the job's id as the helper knows it."""

    repair: str
    action: RepairAction
    job: str | None

    def is_for_guard(self, held: str | None) -> bool:
        """Say whether the guard carries it out by itself, at the job that is held; the rest is for the agent."""
        if self.action is RepairAction.RETOUCH:
            return True
        return (
            self.job is not None
            and self.job == held
            and (self.action in GIVING_UP or self.action is RepairAction.ASK_RENEWAL)
        )


def read_requests(told: Any) -> list[HelperRequest]:
    """Read `requested` of an answer; what a newer server asks for, and this program does not know, is left out."""
    found = []
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, Mapping) or each.get("action") not in {*RepairAction}:
            continue
        job = each.get("external_id") or each.get("job")
        action = RepairAction(each["action"])
        found.append(HelperRequest(str(each.get("repair")), action, None if job is None else str(job)))
    return found


def as_asked(commands: GuardedCommands, request: HelperRequest) -> Play[Ending | None]:
    """Carry out what the guard does by itself; give how the hold on the job ended, None where it goes on."""
    try:
        if request.action is RepairAction.RETOUCH:
            yield from commands.once(Call(Command.DOCTOR))
            yield from commands.once(Call(Command.TOUCH))
            return None
        if request.action is RepairAction.ASK_RENEWAL:
            yield from commands.renew()
            return None
        command = GIVING_UP[request.action]
        reply = yield from commands.give_up(command, request.job or "")
    except Ended as ended:
        return ended.ending
    verdict = Verdict.FAILED if command is Command.FAIL else Verdict.RELEASED
    return Ending(verdict, f"a repair asked for {request.action.value}") if reply.is_ok else None
