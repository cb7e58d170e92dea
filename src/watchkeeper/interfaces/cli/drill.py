"""`drill NAME|all|acceptance|golden`: a fault on the running installation, and the evidence that it was seen."""

from __future__ import annotations

import difflib
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from types import FrameType
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError, WatchkeeperError
from watchkeeper.interfaces.cli.acting import reason_or_default
from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.drills.catalogue import DRILLS, SETS
from watchkeeper.interfaces.cli.drills.leftovers import leftovers
from watchkeeper.interfaces.cli.drills.stage import Stage, remove, stage
from watchkeeper.interfaces.cli.local import read_url
from watchkeeper.interfaces.cli.options import DryRun, Json, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.settings import Settings

AT_ONCE = 3


def drill(
    name: Annotated[str, typer.Argument(help="A drill, or a set: all, acceptance, golden.")],
    patience: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for what must follow from a fault.")
    ] = 15.0,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run a fault against the real system, in a project of its own that goes again; fail where it is not detected."""
    names = SETS.get(name, (name,))
    if name not in SETS and name not in DRILLS:
        near = difflib.get_close_matches(name, [*DRILLS, *SETS], 1)
        meant = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join([*SETS, *DRILLS])}."
        raise UsageError(f"there is no drill {name!r}", hint=meant)
    # Who may not make a drill's project is told so before anything is begun, or swept.
    with connected(whole=True) as client:
        client.act("POST", "/api/projects", {"project_id": "drill", "title": ""}, dry_run=True)
    if dry_run:
        plan = {each: (DRILLS[each].__doc__ or "").strip() for each in names}
        show({"ok": True, "dry_run": True, "drills": plan} if as_json else plan, as_json=as_json)
        return
    results = _run_all(names, read_url(Settings.read()), patience, reason_or_default(reason))
    failed = [result["drill"] for result in results if not result["ok"]]
    if as_json:
        show({"ok": not failed, "drills": results}, as_json=True, empty="")
    else:
        for result in results:
            _tell(result)
    if len(results) < len(names) and not as_json:
        write(f"told to stop: {len(names) - len(results)} drills were not begun")
    if failed or len(results) < len(names):
        raise typer.Exit(3)


def _run_all(names: Sequence[str], url: str, patience: float, reason: str) -> list[dict[str, Any]]:
    """Run drills, a few at once; told to stop, begin no more, let those that run remove their projects, and return."""
    _sweep()
    stopped = Event()
    # A drill mostly waits; each has a project of its own.
    with ThreadPoolExecutor(AT_ONCE) as drills:
        begun = [drills.submit(_run, each, url, patience, reason, stopped) for each in names]

        def stop(_number: int, _frame: FrameType | None) -> None:
            stopped.set()
            for each in begun:
                each.cancel()

        before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            wait(begun)
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
    return [each.result() for each in begun if not each.cancelled()]


def _sweep() -> None:
    """Remove what earlier drills left here whose process was killed."""
    with connected(whole=True) as whole:
        for project in leftovers(whole):
            remove(whole, project)
            typer.echo(f"removed what a drill left behind: {project}", err=True)


def _run(name: str, url: str, patience: float, reason: str, stopped: Event) -> dict[str, Any]:
    play = DRILLS[name]
    playing: Stage | None = None
    failed: WatchkeeperError | None = None
    try:
        with stage(connected, url, patience, stopped) as playing:
            play(playing)
            playing.explain()
    except WatchkeeperError as failure:
        if playing is None:
            raise
        failed = failure
    evidence = [{"what": shown.what, "fact": shown.fact} for shown in playing.evidence]
    error = None if failed is None else {"message": failed.message, "hint": failed.advice}
    if stopped.is_set():
        return {"drill": name, "ok": False, "about": play.__doc__, "error": error, "evidence": evidence}
    with connected(whole=True) as whole:
        ended = {"drill": name, "passed": failed is None, "evidence": len(evidence), "reason": reason}
        whole.act("POST", "/api/drills", ended)
    return {"drill": name, "ok": failed is None, "about": play.__doc__, "error": error, "evidence": evidence}


def _tell(result: dict[str, Any]) -> None:
    write(f"{result['drill']}: {'detected' if result['ok'] else 'FAILED'}")
    write(f"  {result['about']}")
    for shown in result["evidence"]:
        write(f"  - {shown['what']}: {shown['fact']}")
    if result["error"]:
        write("  ! " + ". ".join(said for said in result["error"].values() if said))
