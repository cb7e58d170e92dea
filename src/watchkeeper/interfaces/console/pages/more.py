"""The page of all sections: the phone's way to what its bar has no room for."""

from __future__ import annotations

from watchkeeper.interfaces.console.ground import Family, Ground, Page, View
from watchkeeper.interfaces.console.navigation import MORE
from watchkeeper.interfaces.console.visit import Visit


async def more(ground: Ground, visit: Visit) -> View:  # noqa: ARG001 - every section is shown to every reader
    return View("more.html")


FAMILY = Family("more", pages=(Page(MORE, more),))
