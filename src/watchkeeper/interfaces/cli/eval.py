"""`eval`: how well sessions are judged, on recorded ones whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import EXIT_CODE, UsageError
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.services.corpus.figures import figures, judge
from watchkeeper.services.corpus.reading import read_corpus

evaluate = typer.Typer(no_args_is_help=True, help="How well agent sessions are judged.")

CLASSES = {
    "class": "class",
    "n": "n",
    "precision": "precision",
    "95 %": "precision_bounds",
    "recall": "recall",
    " 95 %": "recall_bounds",
}
WRONG = {
    "row": "file",
    "is": "expected",
    "called": "class",
    "right": "right_action",
    "done": "action",
    "at, s": "detected_t",
    "because": "because",
}


@evaluate.command()
def corpus(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder with rows: *.jsonl, at any depth.")
    ],
    file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole answer to this file; - is stdout.")
    ] = None,
) -> None:
    """Replay a truth corpus through the classifier of live sessions, on a simulated clock.

    Needs no server and no database. Exit code 0 only when no row acts wrongly, else 3. docs/corpus.md has the format.
    """
    answer = figures(judge(read_corpus(directory)))
    text = json.dumps(answer, indent=2, ensure_ascii=False) + "\n"
    if file == Path("-"):
        write(text.rstrip())
    else:
        if file is not None:
            _write(file, text)
        _show(answer)
    if answer["wrong"]:
        raise typer.Exit(EXIT_CODE["conflict"])


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error


def _show(answer: dict[str, Any]) -> None:
    rows = [
        {"class": name, **found, **{key: _span(found[key]) for key in ("precision_bounds", "recall_bounds")}}
        for name, found in answer["per_class"].items()
    ]
    show(rows, as_json=False, columns=CLASSES)
    wrong = [one for one in answer["rows"] if not one["ok"]]
    if wrong:
        show(wrong, as_json=False, columns=WRONG)
    names = ("false_green_rate", "false_kill_rate", "classified_share", "delay_s")
    summary = {"rows": len(answer["rows"]), "rows that act wrongly": len(wrong)}
    show(summary | {name: answer[name] for name in names}, as_json=False)
    if answer["unknown"]:
        show({"not understood, and passed over": answer["unknown"]}, as_json=False)


def _span(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f} to {bounds[1]:.2f}"
