"""What a verdict rests on, in the reader's language: its sentences have fixed forms, and are taken apart and said anew.

What has another form is shown as it is: an English sentence is better than a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from watchkeeper.interfaces.console.i18n import message

Gettext = Callable[[str], str]

FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"not enough evidence: (?P<why>.+)", message("not enough evidence: %(why)s")),
        (r"not seen yet: (?P<names>.+)", message("not seen yet: %(names)s")),
        (
            r"golden tests that were not run: (?P<tests>.+)",
            message("golden tests that were not run: %(tests)s"),
        ),
        (
            r"golden tests without their expected status: (?P<tests>.+)",
            message("golden tests without their expected status: %(tests)s"),
        ),
        (
            r"six golden tests, and (?P<n>\d+) runs with artifact evidence",
            message("six golden tests, and %(n)s runs with artifact evidence"),
        ),
        (
            r"the project is (?P<n>\d+) days old, (?P<least>\d+) are needed",
            message("the project is %(n)s days old, %(least)s are needed"),
        ),
        (
            r"of those who were called, (?P<part>\d+) of (?P<n>\d+) answered before the incident was due",
            message("of those who were called, %(part)s of %(n)s answered before the incident was due"),
        ),
        (
            r"(?P<n>\d+) looked at, (?P<least>\d+) are needed",
            message("%(n)s looked at, %(least)s are needed"),
        ),
        (
            r"advancing heartbeats: (?P<first>.+), then (?P<then>.+)",
            message("advancing: %(first)s, then %(then)s"),
        ),
        (
            r"(?P<part>\d+) of (?P<n>\d+) (?P<what>.+), asked for (?P<least>\d+%)",
            message("%(part)s of %(n)s %(what)s, asked for %(least)s"),
        ),
        (
            r"(?P<n>\d+) (?P<what>.+), (?P<least>\d+) are needed",
            message("%(n)s %(what)s, %(least)s are needed"),
        ),
        (
            r"(?P<part>\d+) of (?P<n>\d+) missing kinds paused or failed with a reason",
            message("%(part)s of %(n)s missing kinds paused or failed with a reason"),
        ),
        (r"none of (?P<n>\d+)", message("none of %(n)s")),
        (r"(?P<part>\d+) of (?P<n>\d+) (?P<what>.+)", message("%(part)s of %(n)s %(what)s")),
        (r"(?P<part>\d+) of (?P<n>\d+)", message("%(part)s of all %(n)s")),
        (r"(?P<n>\d+) (?P<what>real incidents)", message("%(n)s %(what)s")),
        (r"no (?P<what>.+) yet", message("no %(what)s yet")),
    )
)

COUNTED = re.compile(r"(?:[^:,]+: \d+)(?:, [^:,]+: \d+)*")
NAMED = re.compile(r"(?P<name>[a-z ]+): (?P<why>.+)")

WORDS: tuple[str, ...] = (
    message("an operator adopted it"),
    message("an operator asked to revise it"),
    message("it was decided"),
    message("no operator answered"),
    message("no watchdog ticks"),
    message("no worker run with artifact evidence"),
    message("the watchdog judges by its rules"),
    message("there is evidence, and nobody has decided"),
    message("this program runs"),
    message("too few heartbeats to compare both halves"),
    message("verified artifacts"),
    message("artifacts"),
    message("runbooks"),
    message("artifacts of a known kind"),
    message("stuck"),
    message("stuck states"),
    message("contract failures"),
    message("missing worker kind"),
    message("no-job loops and missing kinds with a proposal"),
    message("verified completions with a kept check"),
    message("stale lease"),
    message("no-job loop"),
    message("gate failure"),
    message("repairs"),
    message("repairs that succeeded"),
    message("repairs succeeded"),
    message("roles with a score"),
    message("audit seals"),
    message("repairs with an undo"),
    message("pools measured against their SLO"),
    message("pools that had work are measured against their SLO"),
    message("helper events"),
    message("fetch failed"),
    message("lease near expiry or expired"),
    message("real incidents"),
    message("stuck jobs classified"),
    message("false completions"),
    message("completions were false"),
    message("incidents of stuck work with a repair and a lesson"),
    message("lease expiry"),
    message("repeated no-job"),
    message("result contract"),
    message("missing deliverable id"),
    message("complete failure"),
    message("re-touch"),
    message("release or fail with reason"),
    message("contract gaps escalated"),
    message("proposals"),
    message("per-worker health"),
    message("queue stuck age"),
    message("result contract failures"),
    message("artifact evidence rate"),
    message("project advancement score"),
    message("workers with a health score"),
    message("completions for the evidence rate"),
    message("completions for the contract failure rate"),
)
"""Whole sentences, and the names of what is counted; names of commands and drills stay as they are."""


def in_words(because: str, said: Gettext) -> str:
    """Say in the reader's language what a verdict rests on."""
    if because in WORDS:
        return said(because)
    for pattern, text in FORMS:
        if (found := pattern.fullmatch(because)) is not None:
            parts = {name: _part(name, value, said) for name, value in found.groupdict().items()}
            return said(text) % parts
    if COUNTED.fullmatch(because):
        pairs = (one.rpartition(": ") for one in because.split(", "))
        return ", ".join(f"{in_words(name, said)}: {count}" for name, _, count in pairs)
    if (named := NAMED.fullmatch(because)) is not None:
        return f"{in_words(named['name'], said)}: {in_words(named['why'], said)}"
    return because


def _part(name: str, value: str, said: Gettext) -> str:
    match name:
        case "names":
            return ", ".join(in_words(one, said) for one in value.split(", "))
        case "why" | "what" | "first" | "then":
            return in_words(value, said)
    return value
