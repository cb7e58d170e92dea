"""`report`: what the database shows of a project's way to a reliable operation."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import Columns, show, write
from watchkeeper.services.report_tables import report_as_csv

report = typer.Typer(
    no_args_is_help=True,
    help="Reports: pulse, stages, d30, maturity, metrics, indicators, scores, slos, weekly, readiness.",
)

Csv = Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")]
Days = Annotated[float, typer.Option(min=0.01, max=3660, help="Of how many days up to now.")]

JUDGED = {"stage": "stage", "source": "source", "result": "result", "item": "sentence", "because": "because"}
LEVELS = {"level": "level", "result": "result", "asks for": "sentence", "because": "because"}
METRICS = {
    name: name for name in ("metric", "threshold", "severity", "owner", "status", "next_action", "open", "n")
}
FIGURES = {"figure": "name", "value": "value", "n": "n", "status": "status"}
SLOS = {name: name for name in ("pool", "state", "target", "n", "failed", "allowed", "budget_left", "burn")}
WEEK = {name: name for name in ("part", "figure", "value", "before")}
STAGES = {"stage": "stage_id", "status": "status", "percent": "completion_percent", "next": "next_action"}
SCORES = {
    "of": "subject",
    "name": "name",
    "score": "score",
    "n": "n",
    "incidents": "open_incidents",
    "parts": "shown",
}


@report.command()
def pulse(project: Project = None, as_json: Json = False) -> None:
    """Say whether work advances: what ended in the last hour against the last day, and the golden signals."""
    answer = _read("pulse", project)
    if as_json:
        show(answer, as_json=True)
        return
    spans = [{"span": span, **answer[span]} for span in ("hour", "day")]
    columns = {"in the last": "span", "verified": "verified", "unverified": "unverified", "failed": "failed"}
    show(spans, as_json=False, columns=columns)
    show(answer["signals"], as_json=False)
    write(f"{answer['pace']}, as counted up to {answer['counted_to'] or 'never'}")


@report.command()
def stages(project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Judge each item of D1, D7, D14 and D30: pass, fail, or unknown without enough evidence."""
    _table("stages", "items", JUDGED, project, as_json, as_csv)


@report.command()
def d30(project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Recommend continue, upgrade or change_owner from at least three real incidents."""
    answer = _read("d30", project)
    if as_json or as_csv:
        _as_data("d30", answer, as_csv=as_csv)
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
def maturity(project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Give the level of maturity from 1 to 5, with what each level asks for."""
    answer = _table("maturity", "levels", LEVELS, project, as_json, as_csv)
    if not (as_json or as_csv):
        write(f"level {answer['level']} of 5")


@report.command()
def metrics(days: Days = 30, project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Print the metrics table: threshold, severity, owner, status, next action."""
    _table("metrics", "metrics", METRICS, project, as_json, as_csv, days=days)


@report.command()
def indicators(days: Days = 30, project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Print the seven indicators and the project advancement score, each with its n."""
    answer = _read("indicators", project, days=days)
    if as_json or as_csv:
        _as_data("indicators", answer, as_csv=as_csv)
        return
    figures = {**answer["indicators"], "project_advancement": answer["advancement"]}
    rows = [{"name": name, **figure} for name, figure in figures.items()]
    show(rows, as_json=False, columns=FIGURES)


@report.command()
def scores(days: Days = 30, project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Print the health score of each worker, role and persona, with its parts."""
    answer = _read("scores", project, days=days)
    if as_json or as_csv:
        _as_data("scores", answer, as_csv=as_csv)
        return
    rows = [{**row, "shown": _parts(row["parts"])} for row in answer["scores"]]
    show(rows, as_json=False, columns=SCORES, empty="no workers")


@report.command()
def slos(project: Project = None, as_json: Json = False, as_csv: Csv = False) -> None:
    """Print each pool against its objective: what may still fail, and how fast it fails."""
    answer = _read("slos", project)
    if as_json or as_csv:
        _as_data("slos", answer, as_csv=as_csv)
        return
    rows = [{**row, "burn": _burns(row["windows"])} for row in answer["pools"]]
    show(rows, as_json=False, columns=SLOS, empty="no attempt of a pool was counted yet")
    if answer["is_stale"]:
        write(f"counted up to {answer['counted_to'] or 'nothing'}: is 'watchkeeper watch' running?")


@report.command()
def weekly(
    weeks_ago: Annotated[int, typer.Option(min=0, max=52, help="How many weeks back it ends.")] = 0,
    project: Project = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Sum up seven days beside the seven before, with what is left open."""
    answer = _table("weekly", "figures", WEEK, project, as_json, as_csv, weeks_ago=weeks_ago)
    if as_json or as_csv:
        return
    left = answer["left_open"]
    waits = {name: left[name] for name in left if name != "oldest_incidents"}
    write("left open: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in waits.items()))
    for incident in left["oldest_incidents"]:
        write(f"  {incident['rule']} ({incident['severity']}) since {incident['opened_at'][:16]}")


@report.command()
def readiness(project: Project = None, as_json: Json = False) -> None:
    """Print how far the host guard's loop is: stages, gate, flags and counts; --json prints the whole document."""
    with connected(project, whole=True) as client:
        answer = client.get("/api/reports/readiness")
    if as_json:
        show({name: value for name, value in answer.items() if name != "ok"}, as_json=True)
        return
    show(answer["loop_stages"], as_json=False, columns=STAGES)
    status = answer["program_status"]
    write(f"{status['overall_completion_percent']} %. {status['status_note']}")


def _burns(windows: list[dict[str, Any]]) -> str:
    burns = (
        f"{one['long_s'] // 3600}h {'-' if one['long_burn'] is None else one['long_burn']}" for one in windows
    )
    return ", ".join(burns)


def _read(name: str, project: str | None, **query: Any) -> Any:
    with connected(project) as client:
        return client.get(f"/api/reports/{name}", **query)


def _table(
    name: str, field: str, columns: Columns, project: str | None, as_json: bool, as_csv: bool, **query: Any
) -> Any:
    answer = _read(name, project, **query)
    if as_json or as_csv:
        _as_data(name, answer, as_csv=as_csv)
    else:
        show(answer[field], as_json=False, columns=columns)
    return answer


def _as_data(name: str, answer: Any, *, as_csv: bool) -> None:
    if as_csv:
        write(report_as_csv(name, answer).rstrip())
    else:
        show(answer, as_json=True)


def _parts(parts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {part['part']}/{part['n']}" for name, part in parts.items() if part["n"])
