"""Every page of the console with addresses that lead to what is planted: taken from its own table of pages."""

from __future__ import annotations

import re

from browser.planted import Planted
from watchkeeper.interfaces.console.families import PAGES

WHOLE = "?project=p"
"""Who looks sees the whole installation, and names the project."""

_NAME = re.compile(r"\{(\w+)(?::\w+)?\}")


def page_paths() -> list[str]:
    """Give the address of each page, with names for what is looked at."""
    return ["/login", "/share/{token}", *(page.path for page in PAGES if not page.is_open)]


def addresses_of(path: str, planted: Planted, most: int = 3) -> list[str]:
    """Give addresses of one page; of a page about something, for the first things that are planted: the worst ones."""
    names = _NAME.findall(path)
    if not names:
        return [path + WHOLE]
    [name] = names
    assert name in planted.of, (
        f"plant what the page {path} shows, under the name {name!r}: tests/browser/planted.py"
    )
    return [_NAME.sub(key, path) + WHOLE for key in planted.of[name][:most]]
