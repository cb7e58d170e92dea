"""Where a reader can go: the sections in the order of their use, and the four that a phone shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.interfaces.console.i18n import message

MORE = "/more"


@dataclass(frozen=True, slots=True)
class Section:
    """One entry: `tells` says on the page of all sections which question it answers."""

    path: str
    name: str
    tells: str


SECTIONS = (
    Section("/", message("Overview"), message("Is work advancing, what is stuck and why, what needs you.")),
    Section("/queues", message("Queues"), message("Why nothing moves, kind by kind.")),
    Section("/jobs", message("Jobs"), message("Each job with its state, its evidence and its timeline.")),
    Section("/workers", message("Workers"), message("Who works, how well, and what each one holds.")),
    Section("/sessions", message("Sessions"), message("What agents do right now, line by line.")),
    Section("/incidents", message("Incidents"), message("What went wrong, what it blocks, who has it.")),
    Section("/repairs", message("Repairs"), message("What waits for your word, and what can be undone.")),
    Section("/proposals", message("Proposals"), message("Decisions that somebody asks for.")),
    Section("/reports", message("Reports"), message("Stages, indicators, scores and what they rest on.")),
    Section("/host", message("Host"), message("What runs on machines, whose it is, and what runs away.")),
    Section("/audit", message("Audit"), message("Who did what, when and why.")),
    Section("/alerts", message("Alerts"), message("What people were told, by which way, and what waits.")),
    Section(
        "/settings",
        message("Settings"),
        message("You, your language and time zone, tokens, switches, the policy in force."),
    ),
)

PHONE = (
    Section("/", message("Now"), ""),
    Section("/jobs", message("Jobs"), ""),
    Section("/repairs", message("Fix"), ""),
    Section(MORE, message("More"), ""),
)
"""What stands at the bottom of a small screen."""


class Navigation:
    """The sections that have a page."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.known = known = frozenset(paths)
        self.sections = tuple(section for section in SECTIONS if section.path in known)
        self.phone = tuple(section for section in PHONE if section.path in known)

    def current(self, path: str) -> str:
        """Give the path of the section that an address belongs to: the longest that it begins with."""
        matching = [
            section.path
            for section in self.sections
            if path == section.path or (section.path != "/" and path.startswith(section.path + "/"))
        ]
        return max(matching, key=len, default=MORE if path == MORE else "")
