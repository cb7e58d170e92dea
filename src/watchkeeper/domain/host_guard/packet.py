"""The event packet of one group: what is known, what is not, what would be done, and which gates are not met.

At most 32 KiB as JSON. Texts of processes are foreign: redacted, cut, and never part of what the packet says itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.host_guard.evidence import Lane, Level
from watchkeeper.domain.host_guard.families import Family, ci_marks, is_browser_main
from watchkeeper.domain.host_guard.figures import Judged
from watchkeeper.domain.host_guard.lanes import LANE_OF
from watchkeeper.domain.host_guard.seen import Scan, Seen
from watchkeeper.domain.host_guard.usage import is_hot

SCHEMA = "host_runaway_event_packet_v1"
MOST_BYTES = 32 * 1024
MOST_PROCESSES, MOST_COMMAND_CHARS = 40, 300
HOT_CORES = 0.8
"""The threshold of the alert HostOrphanBrowserSmokeHighCpu."""

POST_CHECKS_SECONDS = (30, 300, 1800)
REPORT_ONLY = "report_only"

GATES = {
    "owner_approval": "nobody has approved this plan",
    "maintenance_window": "no maintenance window is open",
    "evidence_ref": "no evidence is attached",
    "matching_rule": "no rule of the policy allows it",
    "fresh_dry_run": "this is its dry run; it was not acted on",
    "post_check_plan": "",
}
"""What each gate lacks here: a packet is only read. The plan of its post-check is part of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a packet is made of beside the group: the machine's name, the group's last windows, and the redaction."""

    host: str
    scan: Scan
    windows: Sequence[float]
    redact: Callable[[str], str]


def packet(one: Judged, told: Told) -> dict[str, Any]:
    """Make the packet of a group, cut so that it stays in its bounds."""
    most = MOST_PROCESSES
    made = _packet(one, told, most)
    while len(json.dumps(made, ensure_ascii=False).encode()) > MOST_BYTES and most > 1:
        most //= 2
        made = _packet(one, told, most)
    return made


def targets(one: Judged) -> list[Seen]:
    """Give what a SIGTERM would go to: the root of a proven orphan alone, since what is below it ends with it."""
    return [one.group.root] if one.judgement.lane is Lane.ORPHAN else []


def _packet(one: Judged, told: Told, most: int) -> dict[str, Any]:
    lane = LANE_OF.get(one.judgement.lane)
    plan = _plan(one, told)
    return {
        "schema_version": SCHEMA,
        "packet_id": digest_of([told.scan.boot_id, *one.group.root.key, one.judgement.lane])[:16],
        "generated_at": told.scan.at,
        "host": told.host,
        "lane": REPORT_ONLY if lane is None else lane.lane_id,
        "classification": "unclassified" if lane is None else lane.classification,
        "action_policy": "report_only_no_process_remediation" if lane is None else lane.action_policy,
        "facts": _facts(one, told),
        "unknowns": _unknowns(one, told),
        "processes": [_process(process, told) for process in one.group.members[:most]],
        "processes_left_out": max(0, len(one.group.members) - most),
        "dry_run": plan,
        "post_check": _post_check(plan),
        "gates": _gates(plan),
        "may_act": False,
        "next_action": "Look at it; nothing may be done about it." if lane is None else lane.next_action,
    }


def _facts(one: Judged, told: Told) -> dict[str, Any]:
    scan, judgement, root = told.scan, one.judgement, one.group.root
    facts: dict[str, Any] = {
        "level": judgement.level.value,
        "because": list(judgement.because),
        "family": one.group.family.value,
        "processes": len(one.group.members),
        "age_seconds": round(scan.at - root.started_at),
        "cpu_seconds": round(one.group.cpu_seconds, 1),
        "load5_per_core": round(scan.load.load5 / scan.load.cores, 2),
        "owner_uid": root.uid,
    }
    if one.cores is not None:
        facts |= {
            "cores": round(one.cores, 2),
            "last_windows_cores": [round(value, 2) for value in told.windows],
        }
        facts["is_hot"] = is_hot(told.windows, HOT_CORES)
    if judgement.attempt is not None:
        facts["session"] = {
            "project": judgement.attempt.project,
            "job": str(judgement.attempt.job),
            "attempt": judgement.attempt.number,
            "ended_at": judgement.ended_at,
        }
    if judgement.lane is Lane.CI:
        facts |= {"swap_used_ratio": scan.load.swap_used, "ci_marks": _marks(one, scan)}
    return facts


def _unknowns(one: Judged, told: Told) -> list[str]:
    found = []
    if one.cores is None:
        found.append("how much CPU it takes now: there was no scan to compare with")
    if one.judgement.lane is Lane.UNKNOWN:
        found += one.judgement.because
    if one.judgement.level in {Level.C, Level.D}:
        found.append("whose it is: nothing proves a session")
    if one.judgement.lane is Lane.CI:
        found += ["the runs' ids and the runner's queue: only the CI itself knows them"]
    if told.scan.load.swap_used is None:
        found.append("how much swap is used: there is none")
    return found


def _process(process: Seen, told: Told) -> dict[str, Any]:
    command = " ".join(process.command or ())
    return {
        "pid": process.key.pid,
        "start_ticks": process.key.start_ticks,
        "parent": process.ppid,
        "name": told.redact(process.comm),
        "command": told.redact(command)[:MOST_COMMAND_CHARS],
        "state": process.state,
        "cpu_seconds": round(process.cpu_seconds, 1),
    }


def _plan(one: Judged, told: Told) -> dict[str, Any]:
    """Give the plan that a person would approve; its digest changes with anything that it names."""
    scan = told.scan
    chosen = [
        {
            "boot_id": scan.boot_id,
            "pid_ns": scan.pid_ns,
            "pid": target.key.pid,
            "start_ticks": target.key.start_ticks,
        }
        for target in targets(one)
    ]
    plan: dict[str, Any] = {
        "allowed": bool(chosen),
        "signal": "SIGTERM" if chosen else None,
        "targets": chosen,
        "what_ends_with_it": len(one.group.members) - 1 if chosen and _ends_with_root(one) else 0,
        "reversible": False,
    }
    return plan | {"digest": digest_of([told.host, plan])}


def _ends_with_root(one: Judged) -> bool:
    return one.group.family is Family.BROWSER and is_browser_main(one.group.root)


def _post_check(plan: Mapping[str, Any]) -> dict[str, Any] | None:
    if not plan["targets"]:
        return None
    return {
        "at_seconds": list(POST_CHECKS_SECONDS),
        "by": "code that did not act, from a scan of its own",
        "expects": [
            "the targets are gone",
            "every bystander lives",
            f"the group takes less than {HOT_CORES} cores",
        ],
        "no_data_is": "failure",
    }


def _gates(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name every gate, met or not, in one answer."""
    if not plan["targets"]:
        return [
            {"gate": "targets", "met": False, "because": "no target is proven: there is nothing to act on"}
        ]
    return [{"gate": gate, "met": not lacks, "because": lacks or None} for gate, lacks in GATES.items()]


def _marks(one: Judged, scan: Scan) -> list[str]:
    everybody = [*one.group.members, *scan.ancestors(one.group.root.key.pid)]
    return list(dict.fromkeys(mark for process in everybody for mark in ci_marks(process)))[:20]


def digest_of(data: Any) -> str:
    """Give the SHA-256 of data that is JSON."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
