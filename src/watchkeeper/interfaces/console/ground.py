"""What every page stands on: the services, the project that it is about, and what a page and a family of pages are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import Response

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import SYSTEM_PROJECT, Principal, Right
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.visit import Visit

Row = dict[str, Any]

PRINTED = "print.html"
"""The frame for paper: no navigation, and what it is, of when, stands above."""

SHOWN_PROJECTS = 4
"""How many projects a page of all of them reads in full; the others are reached through their names."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The projects that a visitor may see, and those that this page is about."""

    visible: list[Row]
    chosen: str | None

    @property
    def several(self) -> bool:
        return len(self.visible) > 1

    @property
    def shown(self) -> list[Row]:
        """The projects that are read in full, those with trouble or work first."""
        if self.chosen is not None:
            return [row for row in self.visible if row["project_id"] == self.chosen]
        busy = sorted(
            self.visible,
            key=lambda row: tuple(-row[name] for name in ("stuck", "paused", "running", "pending")),
        )
        return busy[:SHOWN_PROJECTS]

    @property
    def project_id(self) -> str | None:
        """The one project of a list: the chosen one, else the first by name; None where there is none yet."""
        return self.chosen or (self.visible[0]["project_id"] if self.visible else None)

    def named(self, project_id: str | None) -> str | None:
        """Give the project for an address, which names it only where a visitor sees several."""
        return project_id if self.several or project_id == SYSTEM_PROJECT else None


@dataclass(frozen=True, slots=True)
class View:
    """What a page answers: a template and what it shows. `now` None asks the database for its time."""

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    status: int = 200
    is_secret: bool = False
    """No browser and no proxy keeps it."""

    layout: str | None = None
    """The frame that is around it instead of the usual one."""

    seen: Visit | None = None
    """As whom a page is shown that is not the visitor's own."""


class Ground:
    """The services of one installation, as pages call them."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.insights = app.insights
        self.redactor = app.redactor

    async def scope(self, visit: Visit) -> Scope:
        """Find what a visitor may see, and which project the address names.

        Raises NotFound for a project of others, as if there were none.
        """
        return await self.scope_of(visit.known, visit.asked("project"))

    async def scope_of(self, principal: Principal, asked: str | None) -> Scope:
        if asked is not None:
            asked = principal.project(asked)
        visible, _ = await self.insights.projects(principal.project_id)
        # What is of the whole installation, its own incidents for one, has a project that is in no list.
        is_whole = asked == SYSTEM_PROJECT and principal.project_id is None
        if asked is not None and not is_whole and all(row["project_id"] != asked for row in visible):
            raise NotFound(f"there is no project {asked[:100]!r} here")
        return Scope(visible, asked or (visible[0]["project_id"] if len(visible) == 1 else None))

    async def now(self) -> datetime:
        """Give the database's time, by which everything on a page is as old as it is."""
        now: datetime = (await self.insights.watch())["now"]
        return now


Handler = Callable[[Ground, Visit], Awaitable[View | Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One address that is read. Who lacks the right gets the page that says so.

    `is_open`: it needs no login (a badge, a shared report), and its handler finds out itself what may be seen.
    """

    path: str
    handler: Handler
    right: Right = Right.READ
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Pages and acts that belong together. Its name is that of its module, its templates' folder and its catalogue."""

    name: str
    pages: tuple[Page, ...] = ()
    acts: tuple[Act, ...] = ()
