"""What a person approves: the plan to ask the proven roots of one packet to end, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.host_guard.families import Family
from watchkeeper.domain.host_guard.lanes import ORPHAN_LANE
from watchkeeper.domain.host_guard.packet import SCHEMA
from watchkeeper.domain.repairs import Authority, Plan, Target
from watchkeeper.domain.rules.names import RepairAction, RuleName

PLAYBOOK = "host_orphan_sigterm@1"
"""Another version is another playbook: trust in it begins anew."""

CARRIED_OUT_BY = "host_guard"
SIGNAL = "SIGTERM"

RULE_OF_FAMILY = {Family.BROWSER.value: RuleName.HOST_ORPHAN_BROWSER.value}
"""By which rule's incident a family may be acted on; a family that stands here not is only told of."""

NO_UNDO = "a signal is not taken back; the session that the process was of had ended before"


class Process(NamedTuple):
    """A process of one machine for as long as that is up."""

    boot_id: str
    pid_ns: str
    pid: int
    start_ticks: int

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Process:
        """Read what a packet names; raises KeyError, TypeError or ValueError for anything else."""
        pid, ticks = record["pid"], record["start_ticks"]
        if not isinstance(pid, int) or not isinstance(ticks, int) or pid <= 1 or ticks < 0:
            raise ValueError("no process that could be meant")
        return cls(str(record["boot_id"]), str(record["pid_ns"]), pid, ticks)


def rule_of(packet: Mapping[str, Any]) -> str | None:
    """Give the rule whose incident must be open for what a packet tells of; None where no rule allows anything."""
    return RULE_OF_FAMILY.get(str(packet["facts"]["family"]))


def targets_of(packet: Mapping[str, Any]) -> list[Process]:
    """Give the targets of a packet's dry run; raise UsageError unless they are proven ones of one machine.

    An empty list is an error: it is never taken for all there is.
    """
    try:
        if packet["schema_version"] != SCHEMA or packet["lane"] != ORPHAN_LANE.lane_id:
            raise UsageError(
                f"a packet of the lane {packet['lane']!r} leads to no act: only a proven orphan's does"
            )
        found = [Process.read(target) for target in packet["dry_run"]["targets"]]
        level = packet["facts"]["level"]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            "this is no event packet", hint="'watchkeeper host triage --json' gives them."
        ) from error
    if not found or not packet["dry_run"]["allowed"]:
        raise UsageError("the packet names no target: none is never all", hint="Nothing is proven there.")
    if level not in ("A", "B"):
        raise UsageError(f"evidence of level {level!r} proves no orphan")
    if len({(each.boot_id, each.pid_ns) for each in found}) != 1 or len(set(found)) != len(found):
        raise UsageError("the targets are not different processes of one machine")
    return found


def fingerprint(packet: Mapping[str, Any]) -> str:
    """Give what a return is known by: the same program left over on the same host."""
    root = packet["processes"][0]["name"] if packet["processes"] else ""
    return digest([packet["host"], packet["lane"], packet["facts"]["family"], root])[:32]


def plan_of(packet: Mapping[str, Any], *, evidence_ref: str, post_checks: Sequence[int]) -> Plan:
    """Plan to ask the targets of a packet to end; raise UsageError for a packet that leads to no act."""
    targets = targets_of(packet)
    first, host = targets[0], str(packet["host"])
    named = " ".join(f"{each.pid}:{each.start_ticks}" for each in targets)
    return Plan(
        RepairAction.END_ORPHAN,
        Target("host", host),
        {"boot_id": first.boot_id, "pid_ns": first.pid_ns, "targets": named},
        (
            "scan the host again, and refuse unless each target is the same process, and proven as it was",
            *(f"send {SIGNAL} to process {each.pid} of start time {each.start_ticks}" for each in targets),
            f"look again after {', '.join(map(str, post_checks))} seconds",
        ),
        f"{len(targets)} processes of sessions that are over, and what ends with them",
        Authority.OWNER,
        None,
        NO_UNDO,
        CARRIED_OUT_BY,
        {
            "playbook": PLAYBOOK,
            "signal": SIGNAL,
            "packet": digest(packet),
            "evidence_ref": evidence_ref,
            "post_checks": " ".join(map(str, post_checks)),
        },
    )


def planned(plan: Plan) -> list[Process]:
    """Read back the targets of a plan."""
    boot_id, pid_ns = str(plan.preconditions["boot_id"]), str(plan.preconditions["pid_ns"])
    pairs = (each.partition(":") for each in str(plan.preconditions["targets"]).split())
    return [Process(boot_id, pid_ns, int(pid), int(ticks)) for pid, _, ticks in pairs]


def digest(data: Any) -> str:
    """Give the SHA-256 of data as JSON, its keys in order."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
