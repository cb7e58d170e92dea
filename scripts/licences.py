"""Write docs/reference/licences.md from what the locked packages say of themselves: `python scripts/licences.py`."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "licences.md"
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", re.MULTILINE)
LONGEST_NAME = 40
"""A `License` field that is longer is the licence's text, not its name."""

ALIASES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
VAGUE = {"", "Dual License", "OSI Approved", "DFSG approved"}

COMPATIBLE = {
    "0BSD",
    "Apache-2.0",
    "BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CNRI-Python",
    "ISC",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
}
"""What may stand beside Apache-2.0; LGPL and MPL because the packages are used as they are, each in its own files."""

HEAD = """\
# Licences of dependencies

Watchkeeper is under Apache-2.0. This page is written by `scripts/licences.py` from what the packages of the lock files
say of themselves; a test fails when it is out of date, or when a licence comes in that may not stand beside Apache-2.0.
Packages of `LGPL` and `MPL` are used unchanged, as packages of their own. What only another platform needs is left out.
"""


def licence(package: str) -> str | None:
    """Give a package's licence, as an SPDX expression where it says one; None for a package that is not here."""
    try:
        said = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    if expression := said.get("License-Expression"):
        return expression
    name = (said.get("License") or "").strip()
    if name not in VAGUE and len(name) <= LONGEST_NAME:
        return ALIASES.get(name, name)
    classified = [
        line.split(" :: ")[-1] for line in said.get_all("Classifier") or [] if line[:7] == "License"
    ]
    names = [ALIASES.get(name, name) for name in classified if name not in VAGUE]
    return " OR ".join(names) or "not said"


def parts(expression: str) -> set[str]:
    """Give the licences that an expression names."""
    return set(re.split(r" (?:AND|OR) ", re.sub("[()]", "", expression)))


def locked(file: str) -> set[str]:
    """Name the packages of a lock file."""
    return set(LOCKED.findall((ROOT / file).read_text(encoding="utf-8")))


def table() -> dict[str, tuple[str, str]]:
    """Give each locked package's licence, and who needs it."""
    own = locked("requirements.lock")
    rows = {}
    for package in sorted(own | locked("requirements-dev.lock")):
        if (said := licence(package)) is not None:
            rows[package] = (said, "the program" if package in own else "extras or tests")
    return rows


def page() -> str:
    """Give the page as it is to be."""
    rows = [f"| {package} | {said} | {needed_by} |" for package, (said, needed_by) in table().items()]
    return "\n".join([HEAD, "| package | licence | needed by |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
