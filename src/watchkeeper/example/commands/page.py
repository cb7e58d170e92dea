"""What every example command ends with: a page, the files beside it, and the list of what was made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

STYLE = "body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem} table{border-collapse:collapse}"
CELLS = "td,th{border-bottom:1px solid #ccc;padding:.2rem .8rem;text-align:left} .bad{color:#b00020}"


def payload() -> dict[str, Any]:
    """Read what the job was given."""
    given: dict[str, Any] = json.loads(Path(os.environ["WATCHKEEPER_PAYLOAD"]).read_text(encoding="utf-8"))
    return given


def finish(title: str, body: str, summary: str, others: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Write index.html, the other files (name -> kind and content), and artifacts.json, which names them all."""
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE} {CELLS}</style><h1>{escape(title)}</h1>{body}</html>\n"
    )
    Path("index.html").write_text(page, encoding="utf-8")
    artifacts: list[dict[str, Any]] = [
        {"kind": "html_page", "path": "index.html", "primary": True, "title": title}
    ]
    for name, (kind, content) in (others or {}).items():
        Path(name).write_text(content, encoding="utf-8")
        artifacts.append({"kind": kind, "path": name})
    Path("artifacts.json").write_text(
        json.dumps({"summary": summary, "artifacts": artifacts}), encoding="utf-8"
    )


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Give rows as an HTML table."""
    head = "".join(f"<th>{escape(text)}</th>" for text in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
