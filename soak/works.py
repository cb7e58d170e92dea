"""What simulated agents hand in: files, what they claim of them, and whether that is true."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

CONTRACT = {
    "required_kinds": ["html_page"],
    "primary": {"kinds": ["html_page"], "min_bytes": 1},
    "publish": "store",
}
"""What every job of the simulation asks for."""

Claims = Callable[[Mapping[str, str]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Work:
    """Files by name, and the artifacts that `complete` names; `claims` gets the ids of what was uploaded.

    `is_good` is the truth, which the product is never told.
    """

    name: str
    is_good: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    claims: Claims = lambda _: []


def _primary(name: str, kind: str = "html_page") -> Claims:
    return lambda ids: [{"kind": kind, "artifact_id": ids[name], "primary": True}]


def _never_uploaded(_: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"kind": "html_page", "path": "index.html", "primary": True}]


def _elsewhere(kind: str, url: str) -> Claims:
    return lambda _: [{"kind": kind, "url": url, "primary": True}]


def good(number: int) -> Work:
    """A page with something on it."""
    page = f"<html><body><h1>Report {number}</h1><p>All {number + 3} rows were read.</p></body></html>"
    return Work("good", is_good=True, files={"index.html": page.encode()}, claims=_primary("index.html"))


LIES: tuple[Work, ...] = (
    Work("nothing", is_good=False),
    Work("never uploaded", is_good=False, claims=_never_uploaded),
    Work("empty file", is_good=False, files={"index.html": b""}, claims=_primary("index.html")),
    Work("blank page", is_good=False, files={"index.html": b"<body> </body>"}, claims=_primary("index.html")),
    Work(
        "hidden words",
        is_good=False,
        files={"index.html": b"<body><p style='display:none'>done</p></body>"},
        claims=_primary("index.html"),
    ),
    Work(
        "pending",
        is_good=False,
        files={"index.html": b"<h1>Report</h1><p>pending publish</p>"},
        claims=_primary("index.html"),
    ),
    Work("notes only", is_good=False, files={"n.md": b"# done"}, claims=_primary("n.md", "markdown")),
    Work("relabelled notes", is_good=False, files={"n.md": b"# done"}, claims=_primary("n.md")),
    Work("data only", is_good=False, files={"d.csv": b"a,b\n1,2\n"}, claims=_primary("d.csv", "data")),
    Work("own disk", is_good=False, claims=_elsewhere("pls_file", "pls_file:///tmp/report.html")),
    Work("own machine", is_good=False, claims=_elsewhere("html_page", "http://127.0.0.1:9/report.html")),
)
"""Everything that an agent says is done and is not."""


def chosen(rng: random.Random, number: int) -> Work:
    """Give what an agent hands in: two of three are honest."""
    return good(number) if rng.random() < 0.67 else rng.choice(LIES)
