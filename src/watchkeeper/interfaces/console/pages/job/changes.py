"""What would change a job's state, as the domain says it (waiting.py, diagnosis.py), marked for translation."""

from __future__ import annotations

from typing import Any

from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.trouble import CLOSES

CHANGES = frozenset(
    {
        message("a person who resumes what is paused"),
        message("its time; nothing else is in its way"),
        message("a worker that registers with this kind, or with all kinds"),
        message("the end of one of these, or a higher 'concurrency'"),
        message("the end of that job, or another key"),
        message("the reaper's next tick, or a renewal by its holder"),
        message("the reset of that quota, or a person who logs in; the workers' facts say which"),
        message("a person who knows why its workers died, and requeues it"),
        message("a supervisor who resumes one: 'watchkeeper workers resume'"),
        message("an owner who turns them on: 'watchkeeper switch claims on'"),
        message(
            "an operator who lets it move again: 'watchkeeper db resume', on a machine that has the database"
        ),
        message("the next claim of a worker that takes its kind"),
        message("its completion, or the end of its lease"),
        message("a renewal by its holder, its completion, or whoever takes it back"),
        message("its completion, or a report of its lease"),
        message("a claim there"),
        message("nothing: this is its end"),
        message("a requeue, which makes a new job"),
        message("a check of the artifact that passes, then a requeue; its last check names what failed"),
        message(
            "an artifact of the missing kind, or a contract that asks for what can be made; then a requeue"
        ),
        message("a requeue, once it is known why its workers died"),
        message(
            "a person who looks whether it happened, and resumes or fails the job; or on_lost: requeue "
            "for its kind"
        ),
        message("a person who mends the cause and resumes it"),
        message("a supervisor who releases or reclaims it; the kept output says what the command met"),
        message("'watchkeeper db resume', then a person who resumes it, or decides that it was done"),
        message("progress by its holder, or a supervisor who gives it to another"),
        message("a larger limit of its kind, or a smaller job; then a resume"),
        message("a worker of its kind that registers; then a resume"),
        message("a person who resumes or requeues it; the trail says who decided, and why"),
        message("a person who resumes the project"),
        message("a person who resumes the kind"),
        message("a requeue, once what the last attempt said is mended"),
        message("a machine that works; then a requeue"),
        message("a requeue, once it is known why the worker died"),
        message("the limit's reset; then a requeue"),
        message("a person who looks at its timeline"),
    }
)
"""Each has its words in every language; what only a rule says stands in its incident."""


def changes_of(why: dict[str, Any]) -> str | None:
    """Give what would change a job's state: of one that an incident holds, how that incident ends."""
    if why["changes"] in CHANGES:
        return str(why["changes"])
    source, _, rule = (why.get("cause") or "").partition(":")
    return CLOSES.get(rule) if source == "incident" else None
