"""The closed lists of reports in words: results, states of objectives, names of figures, what proofs look for."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.words import UNKNOWN, Badge


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `tells` says which question it answers; `is_data`: it can be had as CSV and JSON."""

    name: str
    title: str
    tells: str
    is_data: bool = True
    takes_days: bool = False


REPORTS = (
    Report("stages", message("Stages"), message("What days 1, 7, 14 and 30 ask for, and what proves it.")),
    Report("d30", message("Day 30"), message("Continue, upgrade or change the owner, and why.")),
    Report("maturity", message("Maturity"), message("The level from 1 to 5, and what lacks for the next.")),
    Report("indicators", message("Indicators"), message("Seven figures, each with its n."), takes_days=True),
    Report(
        "scores",
        message("Scores"),
        message("How well each worker, role and persona does, part by part."),
        takes_days=True,
    ),
    Report(
        "metrics", message("Metrics"), message("The table of five metrics, as it stands."), takes_days=True
    ),
    Report(
        "slos", message("Objectives"), message("What pools promise, and how fast they spend what may fail.")
    ),
    Report(
        "weekly", message("The week"), message("Seven days beside the seven before, and what is left open.")
    ),
    Report("signals", message("Signals"), message("How far each signal came: from message to value."), False),
)

RESULTS: dict[str, Badge] = {
    "pass": Badge("ok", "check", message("Pass")),
    "fail": Badge("bad", "cross", message("Fail")),
    "unknown": UNKNOWN,
}

METRIC_STATES: dict[str, Badge] = {
    "ok": Badge("ok", "check", message("Quiet")),
    "firing": Badge("bad", "alert", message("Firing")),
    "pending": Badge("unknown", "unknown", message("Nothing seen yet")),
}

SLO_STATES: dict[str, Badge] = {
    "ok": Badge("ok", "check", message("Kept")),
    "ticket": Badge("warn", "alert", message("Burns slowly")),
    "page": Badge("bad", "alert", message("Burns fast")),
    "spent": Badge("bad", "cross", message("Budget spent")),
    "unknown": UNKNOWN,
}

LINK_STATES: dict[str, Badge] = {
    "done": Badge("ok", "check", message("There")),
    "not_yet": Badge("wait", "clock", message("Not yet")),
    "failed": Badge("bad", "cross", message("Failed")),
}

LINKS: dict[str, str] = {
    "signal": message("Signal"),
    "artifact": message("Artifact"),
    "adoption": message("Adoption"),
    "reliability": message("Reliability"),
    "value": message("Value"),
}

RECOMMENDATIONS: dict[str, tuple[str, str]] = {
    "continue": ("run", message("Continue as it is")),
    "upgrade": ("ok", message("Upgrade to a system or watchdog agent")),
    "change_owner": ("bad", message("Change the owner")),
    "not_enough_evidence": ("unknown", message("There is not enough evidence")),
}

FIGURES: dict[str, str] = {
    "stuck_classification_rate": message("Stuck jobs that were classified"),
    "retry_success_rate": message("Retries that succeeded"),
    "gate_pass_rate": message("Checks that passed the gate"),
    "false_completes": message("False completions"),
    "queue_stuck_age_s": message("Age of the oldest stuck work"),
    "result_contract_failures": message("Refusals by the result contract"),
    "artifact_evidence_rate": message("Completions with a verified artifact"),
    "project_advancement": message("Heartbeats that led to a verified artifact"),
}

PARTS: dict[str, str] = {
    "doctor": message("Doctor well"),
    "touch": message("Touch well"),
    "claim": message("Claim well"),
    "attempts": message("Attempts completed"),
    "gate": message("Gate passed"),
    "advanced": message("Work advanced"),
}

SUBJECTS: dict[str, str] = {
    "worker": message("Worker"),
    "role": message("Role"),
    "persona": message("Persona"),
}

WEEK: dict[str, str] = {
    "work": message("Work"),
    "trouble": message("Trouble"),
    "people": message("People"),
    "verified": message("Jobs verified"),
    "unverified": message("Jobs done, unverified"),
    "failed": message("Jobs failed"),
    "cancelled": message("Jobs cancelled"),
    "attempts_completed": message("Attempts completed"),
    "attempts_failed": message("Attempts failed"),
    "incidents_opened": message("Incidents opened"),
    "incidents_resolved": message("Incidents resolved"),
    "median_trouble_s": message("How long an incident took, in the middle"),
    "repairs_succeeded": message("Repairs succeeded"),
    "repairs_failed": message("Repairs failed"),
    "repairs_undone": message("Repairs undone"),
    "alerts_sent": message("Alerts sent"),
    "proposals_decided": message("Proposals decided"),
    "questions_answered": message("Questions answered"),
    "lessons_published": message("Lessons published"),
    "signals_received": message("Signals received"),
    "signals_with_value": message("Signals with a told value"),
    "incidents_open": message("Incidents open"),
    "repairs_waiting": message("Repairs that wait for a word"),
    "proposals_open": message("Proposals undecided"),
    "questions_overdue": message("Questions overdue"),
}

LEVELS: dict[int, str] = {
    1: message("Nothing is known."),
    2: message("Doctor, touch and claim are recorded, and artifacts are made."),
    3: message("Stuck states and contract failures are detected."),
    4: message("Health of each worker, classification, evidence rate, contract failure rate, and runbooks."),
    5: message("Repairs are proven over 30 days."),
}

PROOFS: tuple[str, ...] = (
    message("the watchdog ticks"),
    message("a verified artifact and a runbook"),
    message("every artifact is of a kind of the closed list"),
    message("incidents of both"),
    message("each no-job loop and missing kind has a proposal"),
    message("each verified completion has a check with the hash of its output"),
    message("incidents of the three, drills too"),
    message("a repair that touched, released or reclaimed"),
    message("a missing kind's jobs were paused or failed with a reason, and no such incident is open"),
    message("a role with a score"),
    message("an operator adopted it"),
    message("seals, undoable repairs, SLOs"),
    message("heartbeats of a persona advance more often in the later half"),
    message("helper output is recorded, and an artifact is verified"),
    message("a real incident, no drill's, of each"),
    message("a decision record"),
    message("stuck jobs with a cause and a suggested repair"),
    message("no completion that its evidence does not carry"),
    message("each incident of stuck work has a repair and a lesson"),
    message("every phase was recorded"),
    message("the six drills and a verified completion"),
    message("an incident of each"),
    message("one of each, carried out"),
    message("each of the five has a value"),
)
"""What the items of the stages look for; a test holds them to the program's."""

NOT_YET = (message("nobody has said so"), message("nothing was verified"))
"""What a link of a chain says that is not there; all else that it says is somebody's words, or a job's state."""

SHARES = frozenset(
    {"stuck_classification_rate", "retry_success_rate", "gate_pass_rate", "artifact_evidence_rate"}
    | {"project_advancement"}
)
"""Figures that are a part of all."""

LENGTHS = frozenset({"median_trouble_s", "queue_stuck_age_s"})
"""Figures that are times in seconds."""
