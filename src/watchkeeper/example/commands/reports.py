"""The example's reports: from a little data to a page that a person can open."""

from __future__ import annotations

import calendar
import csv
import hashlib
import io
import json
import re
from collections import Counter
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from .page import finish, payload, table


def welcome() -> None:
    """Render a text as a page."""
    title, *paragraphs = payload()["text"].strip().split("\n\n")
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    finish(title, body, f"a page of {len(paragraphs)} paragraphs")


def words() -> None:
    """Count the words of a text."""
    counted = Counter(re.findall(r"[a-z]+", payload()["text"].lower()))
    rows = [[word, str(count)] for word, count in counted.most_common(20)]
    data = _csv([["word", "count"], *([word, str(count)] for word, count in sorted(counted.items()))])
    finish("Words", table(["word", "count"], rows), f"{counted.total()} words", {"words.csv": ("data", data)})


def chart() -> None:
    """Draw a column of figures as bars."""
    given = payload()
    _, *rows = csv.reader(io.StringIO(given["csv"]))
    most = max(float(value) for _, value in rows)
    bars = [
        f'<rect x="{40 + 48 * i}" y="{180 - 150 * float(value) / most:.1f}" width="36" '
        f'height="{150 * float(value) / most:.1f}" fill="#2a6f97"/>'
        f'<text x="{58 + 48 * i}" y="196" font-size="11" text-anchor="middle">{escape(name[:3])}</text>'
        for i, (name, value) in enumerate(rows)
    ]
    width = 60 + 48 * len(rows)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 210" role="img">{"".join(bars)}</svg>'
    )
    body = f"{svg}<p>The most is {most:g}, in {escape(max(rows, key=lambda row: float(row[1]))[0])}.</p>"
    finish(given["title"], body, f"a chart of {len(rows)} bars", {"chart.svg": ("image", svg)})


def csv_table() -> None:
    """Show a table of comma-separated values as a page."""
    given = payload()
    headings, *rows = csv.reader(io.StringIO(given["csv"]))
    finish(given["title"], table(headings, rows), f"{len(rows)} rows", {"table.csv": ("data", given["csv"])})


def links() -> None:
    """Write pages, then see of each link between them whether it leads to one."""
    pages: dict[str, str] = payload()["pages"]
    site = Path("site")
    site.mkdir()
    for name, text in pages.items():
        (site / name).write_text(text, encoding="utf-8")
    rows = []
    for name in sorted(pages):
        finder = _Links()
        finder.feed((site / name).read_text(encoding="utf-8"))
        rows += [[name, link, _state(site, link)] for link in finder.found]
    broken = sum(row[2] == "broken" for row in rows)
    finish("Links", table(["page", "link", "state"], rows), f"{len(rows)} links, {broken} broken")


def year() -> None:
    """Print a year's calendar."""
    wanted = int(payload()["year"])
    finish(f"Calendar {wanted}", calendar.HTMLCalendar().formatyear(wanted, width=3), f"the year {wanted}")


def checksums() -> None:
    """Give the SHA-256 of some texts."""
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in payload()["texts"].items()}
    rows = [[name, digest] for name, digest in sums.items()]
    data = {"sums.json": ("data", json.dumps(sums, indent=2) + "\n")}
    finish("Checksums", table(["text", "SHA-256"], rows), f"{len(rows)} checksums", data)


def hollow() -> None:
    """Say that all is done over an empty page, as an agent does that has lost its way."""
    Path("index.html").write_text("", encoding="utf-8")
    artifacts = [{"kind": "html_page", "path": "index.html", "primary": True}]
    claim = {"summary": "The report is done and looks great.", "artifacts": artifacts}
    Path("artifacts.json").write_text(json.dumps(claim), encoding="utf-8")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _state(site: Path, link: str) -> str:
    return "ok" if (site / link.partition("#")[0]).is_file() else "broken"


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
