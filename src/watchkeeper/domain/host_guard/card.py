"""The card of an event packet: the same in Markdown, for a person; foreign texts stand in fences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SHOWN_PROCESSES = 10


def card(packet: Mapping[str, Any]) -> str:
    """Write a packet down for a person; nothing in it is made up or left to guess."""
    facts = packet["facts"]
    lines = [
        f"# {packet['host']}: {packet['lane']}",
        "",
        f"Packet {packet['packet_id']} · {packet['classification']} · {packet['action_policy']}",
        "",
        *_incident(packet.get("incident")),
        "## What is known",
        *_told(facts),
        "",
        "## What is not known",
        *([f"- {one}" for one in packet["unknowns"]] or ["- nothing that would matter"]),
        "",
        "## Processes",
        "```text",
        *(_process(one) for one in packet["processes"][:SHOWN_PROCESSES]),
        *_more(packet),
        "```",
        "",
        "## What would be done",
        *_plan(packet["dry_run"]),
        "",
        "## Post-check",
        *_post_check(packet["post_check"]),
        "",
        "## Gates",
        *(_gate(one) for one in packet["gates"]),
        "",
        packet["next_action"],
    ]
    return "\n".join(lines) + "\n"


def _told(facts: Mapping[str, Any]) -> Iterable[str]:
    yield f"- proof {facts['level']}: {'; '.join(facts['because'])}"
    for name, value in facts.items():
        if name in {"level", "because"}:
            continue
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {one}" for key, one in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        yield f"- {name.replace('_', ' ')}: {value}"


def _process(one: Mapping[str, Any]) -> str:
    command = one["command"].replace("`", "'").replace("\n", " ")
    return f"{one['pid']} (parent {one['parent']}) {one['state']} {one['cpu_seconds']} s  {command or one['name']}"


def _more(packet: Mapping[str, Any]) -> Iterable[str]:
    left = packet["processes_left_out"] + max(0, len(packet["processes"]) - SHOWN_PROCESSES)
    return [f"... and {left} more"] if left else []


def _plan(plan: Mapping[str, Any]) -> Iterable[str]:
    if not plan["targets"]:
        return ["- nothing: no target is proven"]
    named = ", ".join(f"{one['pid']} (started at tick {one['start_ticks']})" for one in plan["targets"])
    return [
        f"- {plan['signal']} to {named}; {plan['what_ends_with_it']} processes end with it",
        "- it cannot be undone",
        f"- digest `{plan['digest']}`",
    ]


def _incident(incident: Mapping[str, Any] | None) -> Iterable[str]:
    if incident is None:
        return []
    told = (
        f"Incident {incident['id']}",
        incident["rule"],
        incident["severity"],
        f"owner {incident['owner']}",
    )
    return [" · ".join((*told, f"due {incident['due_at']}")), ""]


def _post_check(check: Mapping[str, Any] | None) -> Iterable[str]:
    if check is None:
        return ["- none: nothing would be done"]
    times = ", ".join(f"{seconds} s" for seconds in check["at_seconds"])
    return [f"- after {times}, by {check['by']}", *(f"- {one}" for one in check["expects"])]


def _gate(one: Mapping[str, Any]) -> str:
    return f"- [{'x' if one['met'] else ' '}] {one['gate'].replace('_', ' ')}" + (
        f": {one['because']}" if one["because"] else ""
    )
