"""The reports of a project, a page each, and its signals with how far each came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.judging import Result
from watchkeeper.interfaces.console import report_words
from watchkeeper.interfaces.console.ground import PRINTED, Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.report_words import REPORTS
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid
from watchkeeper.services.weekly import MOST_WEEKS

DAYS = 30.0
MOST_DAYS = 3_660.0
SIGNALS_A_PAGE = 10

Gather = Callable[[Ground, Visit, str], Awaitable[Row]]


def _page(name: str, gather: Gather) -> Page:
    """Make a report's page: its frame, and what `gather` reads of the project."""

    async def handler(ground: Ground, visit: Visit) -> View:
        scope = await ground.scope(visit)
        facts = _frame(scope, name)
        if scope.project_id is None:
            return View("reports/none.html", facts)
        report = await gather(ground, visit, scope.project_id)
        filters = {"days": visit.asked("days"), "weeks_ago": visit.asked("weeks_ago")}
        facts |= {"report": report, "filters": filters}
        return View(f"reports/{name}.html", facts, report.get("now"), layout=_layout(visit))

    return Page(f"/reports/{name}", handler)


def _frame(scope: Scope, name: str) -> Row:
    return {
        "scope": scope,
        "project_id": scope.project_id,
        "reports": REPORTS,
        "current": name,
        "said": report_words,
        "filters": {},
    }


def _layout(visit: Visit) -> str | None:
    return PRINTED if visit.asked("print") else None


async def _kept(ground: Ground, key: tuple[object, ...], make: Callable[[], Awaitable[Any]]) -> Any:
    """Give a report that was made a moment ago; a page tells its age, and these read much."""
    return await ground.app.watchdog.reporting.kept.get(key, make)


async def stages(ground: Ground, visit: Visit, project: str) -> Row:
    reports = ground.app.watchdog.reports
    found = await _kept(ground, ("stages", project), lambda: reports.stages(project))
    wanted, source = visit.asked("result"), visit.asked("source")
    if wanted is not None and wanted not in {*Result}:
        raise UsageError("result is pass, fail or unknown")
    items = found["items"]
    by_stage: dict[str, list[Mapping[str, Any]]] = {item["stage"]: [] for item in items}
    for item in items:
        if wanted in (None, item["result"]) and source in (None, item["source"]):
            by_stage[item["stage"]].append(item)
    counts = {
        stage: {
            result.value: sum(item["stage"] == stage and item["result"] == result for item in items)
            for result in Result
        }
        for stage in by_stage
    }
    due = {item["stage"]: (item["due_at"], item["is_due"]) for item in items}
    return {
        **found,
        "now": found["generated_at"],
        "by_stage": by_stage,
        "counts": counts,
        "due": due,
        "wanted": {"result": wanted, "source": source},
        "sources": sorted({item["source"] for item in items}),
    }


async def d30(ground: Ground, visit: Visit, project: str) -> Row:  # noqa: ARG001 - a report of the whole time
    reports = ground.app.watchdog.reports
    found = await _kept(ground, ("d30", project), lambda: reports.d30(project))
    return {**found, "now": found["generated_at"]}


async def maturity(ground: Ground, visit: Visit, project: str) -> Row:  # noqa: ARG001 - a report of the whole time
    reports = ground.app.watchdog.reports
    found = await _kept(ground, ("maturity", project), lambda: reports.maturity(project))
    lacking = next((one for one in found["levels"] if one["result"] != Result.PASS), None)
    return {**found, "now": found["generated_at"], "lacking": lacking}


async def indicators(ground: Ground, visit: Visit, project: str) -> Row:
    days, reports = _days(visit), ground.app.watchdog.reports
    found = await _kept(ground, ("indicators", project, days), lambda: reports.indicators(project, days))
    return {**found, "now": found["generated_at"]}


async def scores(ground: Ground, visit: Visit, project: str) -> Row:
    days, reports = _days(visit), ground.app.watchdog.reports
    found = await _kept(ground, ("scores", project, days), lambda: reports.scores(project, days))
    return {**found, "now": found["generated_at"]}


async def metrics(ground: Ground, visit: Visit, project: str) -> Row:
    days, reports = _days(visit), ground.app.watchdog.reports
    found = await _kept(ground, ("metrics", project, days), lambda: reports.metrics(project, days))
    return {**found, "now": found["generated_at"]}


async def slos(ground: Ground, visit: Visit, project: str) -> Row:  # noqa: ARG001 - its periods are the policy's
    found = await ground.app.watchdog.reporting.slos.report(project)
    return {**found, "now": found["generated_at"]}


async def weekly(ground: Ground, visit: Visit, project: str) -> Row:
    weeks = int(_number(visit.asked("weeks_ago"), 0, 0, MOST_WEEKS))
    service = ground.app.watchdog.reporting.weekly
    found = await _kept(ground, ("weekly", project, weeks), lambda: service.report(project, weeks))
    return {**found, "now": found["generated_at"], "weeks_ago": weeks, "most_weeks": MOST_WEEKS}


async def index(ground: Ground, visit: Visit) -> View:
    """Show each report in one line, with where it stands."""
    scope = await ground.scope(visit)
    facts = _frame(scope, "")
    if (project := scope.project_id) is None:
        return View("reports/none.html", facts)
    asked = (stages, d30, maturity, indicators, slos)
    found = await asyncio.gather(*(gather(ground, visit, project) for gather in asked))
    facts |= dict(zip((one.__name__ for one in asked), found, strict=True))
    return View("reports/index.html", facts, min(one["now"] for one in found), layout=_layout(visit))


async def signals(ground: Ground, visit: Visit) -> View:
    """Show the signals of a project, each with how far it came."""
    scope = await ground.scope(visit)
    facts = _frame(scope, "signals")
    if (project := scope.project_id) is None:
        return View("reports/none.html", facts)
    service, topic = ground.app.watchdog.knowledge.signals, visit.asked("topic")
    before = _uuid(visit.asked("before"))
    rows, following = await service.list(project, topic_key=topic, before=before, limit=SIGNALS_A_PAGE)
    chains = {row["id"]: (await service.chain(project, row["id"]))["chain"] for row in rows}
    facts |= {"signals": rows, "chains": chains, "next": following, "topic": topic, "before": before}
    return View("reports/signals.html", facts, layout=_layout(visit))


async def signal(ground: Ground, visit: Visit) -> View:
    """Show one signal and its chain, drawn, with the evidence of each link."""
    scope = await ground.scope(visit)
    if (name := as_uuid(visit.request.path_params["signal"])) is None:
        raise NotFound("there is no such signal here")
    service = ground.app.watchdog.knowledge.signals
    for project in [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]:
        try:
            row = await service.show(project, name)
            break
        except NotFound:
            continue
    else:
        raise NotFound("there is no such signal here")
    chain = await service.chain(project, name)
    shown = ground.redactor.redact_data({"chain": chain["chain"], "about": row})
    return View("reports/signal.html", {**_frame(scope, "signals"), "project_id": project, **shown})


def _days(visit: Visit) -> float:
    return _number(visit.asked("days"), DAYS, 0.01, MOST_DAYS)


def _number(text: str | None, usual: float, least: float, most: float) -> float:
    try:
        value = usual if text is None else float(text)
    except ValueError:
        raise UsageError("a filter is no number") from None
    if not least <= value <= most:
        raise UsageError(f"a filter is from {least:g} to {most:g}")
    return value


def _uuid(text: str | None) -> UUID | None:
    if text is not None and (found := as_uuid(text)) is None:
        raise UsageError("the cursor is none that a page gave")
    return None if text is None else found


FAMILY = Family(
    "reports",
    pages=(
        Page("/reports", index),
        _page("stages", stages),
        _page("d30", d30),
        _page("maturity", maturity),
        _page("indicators", indicators),
        _page("scores", scores),
        _page("metrics", metrics),
        _page("slos", slos),
        _page("weekly", weekly),
        Page("/reports/signals", signals),
        Page("/reports/signals/{signal}", signal),
    ),
)
