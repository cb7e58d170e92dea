"""The closed lists in words. What is not listed is shown as it is: a code is better than a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.interfaces.console.event_words import EVENTS as EVENTS
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.login import ForeignForm


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as people see it: `tone` is the colour, `shape` the icon; the word says the same again."""

    tone: str
    shape: str
    word: str


UNKNOWN = Badge("unknown", "unknown", message("Unknown"))
UNVERIFIED = Badge("unverified", "hollow", message("Done, unverified"))
VERIFIED = Badge("ok", "check", message("Verified"))
LEASE_DEAD = Badge("warn", "alert", message("Lease expired"))
SCHEDULED = Badge("wait", "clock", message("Scheduled"))
IDLE = Badge("stopped", "square", message("Idle"))
COMPLETED = message("Completed")
LEASE_ENDING = Badge("warn", "clock", message("Ends soon"))

JOB_STATES: dict[str, Badge] = {
    "pending": Badge("wait", "clock", message("Waiting")),
    "running": Badge("run", "play", message("Running")),
    "failed": Badge("bad", "cross", message("Failed")),
    "stuck": Badge("bad", "alert", message("Stuck")),
    "paused": Badge("warn", "pause", message("Paused")),
    "cancelled": Badge("stopped", "square", message("Cancelled")),
}

ATTEMPT_OUTCOMES: dict[str, Badge] = {
    **{state: JOB_STATES[state] for state in ("running", "failed", "stuck", "paused", "cancelled")},
    "completed": Badge("stopped", "check", COMPLETED),
    "released": Badge("stopped", "square", message("Handed back")),
    "lost": Badge("bad", "alert", message("Lease lost")),
}

SESSION_STATES: dict[str, Badge] = {
    "running": JOB_STATES["running"],
    "ended": Badge("stopped", "square", message("Ended")),
    "parked": Badge("wait", "clock", message("Waits for the provider")),
    "starting": Badge("run", "clock", message("Starting")),
    "waiting": Badge("wait", "clock", message("Between turns")),
    "probing": Badge("run", "unknown", message("Being tried")),
    "interrupted": Badge("warn", "pause", message("Interrupted")),
    "resuming": Badge("run", "clock", message("Resuming")),
    "unknown": UNKNOWN,
}

CLOCK_PAST = Badge("warn", "alert", message("Past"))

SESSION_CLASSES: dict[str, str] = {
    "F01": message("silent before its first word"),
    "F02": message("silent in the middle of a turn"),
    "F03": message("does not end after its result"),
    "F04": message("retries its provider again and again"),
    "F05": message("the control plane failed"),
    "F06": message("a usage limit"),
    "F07": message("done without work"),
    "F08": message("done against the evidence"),
    "F09": message("ended without telling the contract"),
    "F10": message("its lease was lost"),
    "F11": message("the work is done twice"),
    "F12": message("the queue gives nothing out"),
    "F13": message("processes were left"),
    "F14": message("its state was lost"),
    "F15": message("a loop without progress"),
    "F16": message("only seemed to stall"),
    "F17": message("waits for a person"),
    "F18": message("its target is not valid"),
}

WORKER_HEALTH: dict[str, Badge] = {
    "ok": Badge("ok", "check", message("Healthy")),
    "degraded": Badge("warn", "alert", message("Degraded")),
    "stuck": Badge("bad", "alert", message("Stopped by a person")),
    "offline": Badge("stopped", "square", message("Offline")),
    "unknown": UNKNOWN,
}

LEASE_RISKS: dict[str, Badge] = {
    "normal": JOB_STATES["running"],
    "near_expiry": LEASE_ENDING,
    "expired": LEASE_DEAD,
    "stale": Badge("bad", "alert", message("Holder is gone")),
}

QUEUE_STATUSES: dict[str, Badge] = {
    "ok": Badge("run", "play", message("Moving")),
    "waiting": Badge("wait", "clock", message("Waiting")),
    "stuck": JOB_STATES["stuck"],
    "paused": JOB_STATES["paused"],
}

SWITCHES: dict[bool, Badge] = {
    True: Badge("ok", "check", message("On")),
    False: Badge("warn", "pause", message("Off")),
}

BULK_STATES: dict[str, Badge] = {
    "running": JOB_STATES["running"],
    "done": Badge("stopped", "check", message("Done")),
    "stopped": Badge("warn", "square", message("Stopped")),
}

WINDOW_STATES: dict[str, Badge] = {
    "open": Badge("run", "play", message("Open")),
    "to_come": Badge("wait", "clock", message("To come")),
    "over": Badge("stopped", "check", message("Over")),
    "closed": Badge("stopped", "square", message("Closed early")),
}

BULK_ACTS: dict[str, str] = {
    "cancel": message("Cancel"),
    "pause": message("Pause"),
    "resume": message("Resume"),
    "requeue": message("Try again"),
}

BREAKERS: dict[bool, Badge] = {
    True: Badge("bad", "alert", message("Tripped")),
    False: Badge("ok", "check", message("Closed")),
}

CHECK_RESULTS: dict[bool, Badge] = {
    True: Badge("ok", "check", message("Passed")),
    False: Badge("bad", "cross", message("Refused")),
}

ROLES: dict[str, str] = {
    "viewer": message("viewer"),
    "worker": message("worker"),
    "supervisor": message("supervisor"),
    "owner": message("owner"),
    "system": message("the watchdog itself"),
}

STATE_REASONS: dict[str, str] = {
    "gate_failed": message("The evidence did not pass the gate."),
    "contract_rejected": message("The artifacts do not fit the job's contract."),
    "quarantined": message("Its lease was lost too often; it is set apart."),
    "held_side_effects": message("Its lease was lost; side effects may have happened, so a person decides."),
    "crash_loop": message("Its worker crashed again and again."),
    "command_failed_twice": message("The same command failed twice."),
    "restored": message("It was restored from a backup; a person decides."),
    "agent_stalled": message("The agent stopped making progress."),
    "budget": message("Its budget is used up."),
    "no_eligible_worker": message("No worker takes this kind."),
    "operator": message("A person decided so."),
    "queue_paused": message("The project is paused."),
    "kind_paused": message("This kind is paused."),
    "attempts_used_up": message("All attempts are used up."),
}

WAITING_REASONS: dict[str, str] = {
    "paused": message("paused by a person"),
    "not_due": message("not due yet"),
    "no_eligible_worker": message("no worker takes this kind"),
    "limit_full": message("as many run as the limit allows"),
    "unique_blocked": message("another job of the same key is unfinished"),
    "lease_dead": message("the holder's lease expired"),
    "quota_parked": message("the pool waits for its quota"),
    "quarantined": message("set apart after lost leases"),
    "worker_stopped": message("the worker for this kind is stopped"),
    "claims_off": message("claiming is switched off"),
}

CAUSES: dict[str, str] = {
    "agent_error": message("the agent failed"),
    "infrastructure": message("the machine failed"),
    "lease_lost": message("the worker was lost"),
    "quota": message("the quota was used up"),
    "gate": message("the gate refused"),
    "operator": message("a person decided"),
}

GATE_CHECKS: dict[str, str] = {
    "no_primary": message("There is no primary artifact."),
    "http_status": message("The primary artifact does not answer."),
    "no_file_list": message("The list of files could not be read."),
    "empty_file_list": message("Nothing was uploaded."),
    "file_unreadable": message("A file cannot be read."),
    "missing_file": message("An expected file is missing."),
    "missing_kind": message("A required kind of artifact is missing."),
    "local_only": message("The artifact exists on one machine only."),
    "markdown_only": message("There is only Markdown."),
    "pending_marker": message("The artifact says itself that it is not published."),
    "empty_body": message("The artifact is empty."),
    "refused_address": message("The address may not be fetched."),
    "too_large": message("The artifact is too large."),
    "timeout": message("The artifact did not answer in time."),
    "changed_since_check": message("The artifact changed after the check."),
}

FOREIGN_FORM = (
    message("This request did not come from the console"),
    message("Open the page anew and try again."),
)

ERRORS: dict[str, tuple[str, str]] = {
    "job_not_found": (
        message("There is no such job here"),
        message("Check the address. A job of another project is not shown."),
    ),
    "not_found": (message("There is nothing here"), message("Check the address.")),
    "permission_denied": (
        message("You may not see this"),
        message(
            "Your role does not reach so far. Ask an owner of this project, or of the whole installation."
        ),
    ),
    "usage": (message("This address cannot be read"), message("Go back and choose a filter from the list.")),
    "conflict": (
        message("This cannot be done now"),
        message("Things have changed meanwhile. Open the page anew and look."),
    ),
    "rate_limited": (message("Too many attempts"), message("Wait a minute and try again.")),
    "database_unavailable": (
        message("The database cannot be reached"),
        message("Nothing is lost. Reload this page when the database is back."),
    ),
    "internal_error": (message("Something went wrong"), message("Look at the server's log.")),
}


def job_badge(row: Mapping[str, Any], now: datetime) -> Badge:
    """Give the one badge of a job, from facts: a completion is green only with checked evidence."""
    match row["state"]:
        case "completed":
            return VERIFIED if row.get("verified") == "artifact" else UNVERIFIED
        case "running" if (ends := row.get("lease_expires_at")) is not None and ends < now:
            return LEASE_DEAD
        case "pending" if (due := row.get("run_at")) is not None and due > now:
            return SCHEDULED
        case state:
            return JOB_STATES.get(state, UNKNOWN)


def moved_badge(state: str) -> Badge:
    """Give the badge of a state that a job went into; a completion is not green by itself."""
    return ATTEMPT_OUTCOMES["completed"] if state == "completed" else JOB_STATES.get(state, UNKNOWN)


def queue_badge(queue: Mapping[str, Any]) -> Badge:
    """Give the badge of a kind; one with nothing to do is idle, which is neither good nor bad."""
    if "lease_dead" in queue["waiting_reasons"]:
        return LEASE_DEAD
    if queue["status"] == "ok" and not (queue["ready"] or queue["running"]):
        return SCHEDULED if queue["scheduled"] else IDLE
    return QUEUE_STATUSES.get(queue["status"], UNKNOWN)


def error_words(error: WatchkeeperError) -> tuple[str, str]:
    """Give title and advice for an error: by its kind where that says more than its code does."""
    if isinstance(error, ForeignForm):
        return FOREIGN_FORM
    return ERRORS.get(error.code, ERRORS["internal_error"])
