"""`report`: what the database shows of a project's way to a reliable operation."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import Columns, show, write

report = typer.Typer(
    no_args_is_help=True, help="Reports: stages, d30, maturity, metrics, indicators, scores."
)

Days = Annotated[float, typer.Option(min=0.01, max=3660, help="Of how many days up to now.")]

JUDGED = {"stage": "stage", "source": "source", "result": "result", "item": "sentence", "because": "because"}
LEVELS = {"level": "level", "result": "result", "asks for": "sentence", "because": "because"}
METRICS = {
    name: name for name in ("metric", "threshold", "severity", "owner", "status", "next_action", "open", "n")
}
FIGURES = {"figure": "name", "value": "value", "n": "n", "status": "status"}
SCORES = {
    "of": "subject",
    "name": "name",
    "score": "score",
    "n": "n",
    "incidents": "open_incidents",
    "parts": "shown",
}


@report.command()
def stages(project: Project = None, as_json: Json = False) -> None:
    """Judge each item of D1, D7, D14 and D30: pass, fail, or unknown without enough evidence."""
    _table("stages", "items", JUDGED, project, as_json)


@report.command()
def d30(project: Project = None, as_json: Json = False) -> None:
    """Recommend continue, upgrade or change_owner from at least three real incidents."""
    answer = _read("d30", project)
    if as_json:
        show(answer, as_json=True)
        return
    until = answer["provisional_until"]
    write(
        f"{answer['recommendation']}{'' if until is None else f' (provisional until day 30, {until[:10]})'}"
    )
    for reason in answer["reasons"]:
        write(f"  {reason}")
    persona = answer["persona"]
    before, after = (f"{persona[half]['part']} of {persona[half]['n']}" for half in ("earlier", "later"))
    write(f"persona: advancing heartbeats {before}, then {after} ({persona['status']})")


@report.command()
def maturity(project: Project = None, as_json: Json = False) -> None:
    """Give the level of maturity from 1 to 5, with what each level asks for."""
    answer = _table("maturity", "levels", LEVELS, project, as_json)
    if not as_json:
        write(f"level {answer['level']} of 5")


@report.command()
def metrics(days: Days = 30, project: Project = None, as_json: Json = False) -> None:
    """Print the metrics table: threshold, severity, owner, status, next action."""
    _table("metrics", "metrics", METRICS, project, as_json, days=days)


@report.command()
def indicators(days: Days = 30, project: Project = None, as_json: Json = False) -> None:
    """Print the seven indicators and the project advancement score, each with its n."""
    answer = _read("indicators", project, days=days)
    figures = {**answer["indicators"], "project_advancement": answer["advancement"]}
    rows = [{"name": name, **figure} for name, figure in figures.items()]
    show(answer if as_json else rows, as_json=as_json, columns=FIGURES)


@report.command()
def scores(days: Days = 30, project: Project = None, as_json: Json = False) -> None:
    """Print the health score of each worker, role and persona, with its parts."""
    answer = _read("scores", project, days=days)
    rows = [{**row, "shown": _parts(row["parts"])} for row in answer["scores"]]
    show(answer if as_json else rows, as_json=as_json, columns=SCORES, empty="no workers")


def _read(name: str, project: str | None, **query: Any) -> Any:
    with connected(project) as client:
        return client.get(f"/api/reports/{name}", **query)


def _table(name: str, field: str, columns: Columns, project: str | None, as_json: bool, **query: Any) -> Any:
    answer = _read(name, project, **query)
    show(answer if as_json else answer[field], as_json=as_json, columns=columns)
    return answer


def _parts(parts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {part['part']}/{part['n']}" for name, part in parts.items() if part["n"])
