"""The example project: ten small jobs of real commands and files, one of which lies, one is killed, one stumbles.

Here are the kinds and the jobs; `commands` is what the jobs run, and imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

PROJECT = "example"
TITLE = "Example: ten small jobs"

SURVEY = "survey"
"""The kind of the job whose worker is killed."""

PAGE_CONTRACT = {"primary": {"kinds": ["html_page"], "min_bytes": 200}}
KINDS: tuple[dict[str, Any], ...] = (
    {"name": "page", "contract": PAGE_CONTRACT, "hard_cap_minutes": 2},
    {"name": "chart", "contract": {**PAGE_CONTRACT, "required_kinds": ["image"]}, "hard_cap_minutes": 2},
    {"name": "table", "contract": {**PAGE_CONTRACT, "required_kinds": ["data"]}, "hard_cap_minutes": 2},
    {"name": "feed", "contract": PAGE_CONTRACT, "max_attempts": 3, "hard_cap_minutes": 2},
    # Its lease is short, so that a person sees the rescue within seconds; a runtime worker's own is a minute.
    {
        "name": SURVEY,
        "contract": PAGE_CONTRACT,
        "on_lost": "requeue",
        "lease_seconds": 6,
        "hard_cap_minutes": 2,
    },
)

FEED = """
if [ "$WATCHKEEPER_ATTEMPT" -lt 2 ]; then
  echo 'the feed did not answer' >&2
  exit 1
fi
printf '<!doctype html><title>Feed</title><h1>The feed, at the second attempt</h1><p>%s</p><pre>%s</pre>\\n' \\
  "The first attempt ended with exit code 1; the job waited out its backoff and was tried again." \\
  "$(cat "$WATCHKEEPER_PAYLOAD")" > index.html
printf '{"summary": "the feed answered at attempt %s", "artifacts": [{"kind": "html_page", "path": "index.html"}]}' \\
  "$WATCHKEEPER_ATTEMPT" > artifacts.json
"""


@dataclass(frozen=True)
class ExampleJob:
    """One job: its name, its kind, what it runs, and its data. A text runs in the shell."""

    name: str
    kind: str
    command: str
    data: dict[str, Any] = field(default_factory=dict)
    is_shell: bool = False

    def payload(self, runner: Sequence[str]) -> dict[str, Any]:
        """Give the payload; `runner` is the command that runs one of `commands`."""
        command: str | list[str] = self.command if self.is_shell else [*runner, self.command]
        return {"command": command, **self.data}


def jobs() -> list[ExampleJob]:
    """Give the ten jobs in the order in which they are enqueued; the one whose worker is killed comes first."""
    return [
        ExampleJob("long-survey", SURVEY, "survey", {"steps": 12}),
        ExampleJob("welcome-page", "page", "welcome", {"text": _data("welcome.txt")}),
        ExampleJob("word-count", "table", "words", {"text": _data("welcome.txt")}),
        ExampleJob(
            "rainfall-chart", "chart", "chart", {"title": "Rainfall, mm", "csv": _data("rainfall.csv")}
        ),
        ExampleJob("hollow-report", "page", "hollow"),
        ExampleJob("price-table", "table", "table", {"title": "Prices", "csv": _data("prices.csv")}),
        ExampleJob("flaky-feed", "feed", FEED, {"feed": "harbour notices"}, is_shell=True),
        ExampleJob("link-check", "page", "links", {"pages": _PAGES}),
        ExampleJob("year-calendar", "page", "calendar", {"year": 2027}),
        ExampleJob("checksums", "table", "checksums", {"texts": {"prices": _data("prices.csv")}}),
    ]


_PAGES = {
    "index.html": '<a href="tides.html">Tides</a> <a href="boats.html">Boats</a>',
    "tides.html": '<a href="index.html">Home</a> <a href="moon.html">Moon</a>',
    "boats.html": '<a href="index.html">Home</a> <a href="tides.html#low">Low water</a>',
}


def _data(name: str) -> str:
    return (resources.files(__package__) / "data" / name).read_text(encoding="utf-8")
