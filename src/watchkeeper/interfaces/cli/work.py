"""`work`: a worker of Python handlers, or of commands that are run as agents, as a process of its own."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.parent import Parent, stop_asked, tied_to
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.interfaces.cli.work_options import WorkOptions
from watchkeeper.library import Worker
from watchkeeper.settings import Settings


def work(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND...]",
            help="With --agent: further arguments of the agent; of command, what to run where a job names nothing.",
        ),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="Run each job as an agent session: codex, claude, command.")
    ] = None,
    app: Annotated[
        str | None, typer.Option(help="Run Python handlers: module:worker or module:handlers.")
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, max=1000, help="How many jobs at once.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Claim this kind only; may be repeated.")] = None,
    project: Annotated[
        str | None,
        typer.Option("--project", "-p", help="With --app: the project to work for; a token has its own."),
    ] = None,
    worker_id: Annotated[
        str | None, typer.Option(help="This worker's name; else WATCHKEEPER_WORKER_ID.")
    ] = None,
    pool: Annotated[str, typer.Option(help="The pool that this worker belongs to.")] = "default",
    token_file: Annotated[
        str | None, typer.Option(help="With --agent: the file of the worker's token.")
    ] = None,
    max_gate_rounds: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=20,
            help="With --agent: how often the failed checks are given back as a turn (3).",
        ),
    ] = None,
    agent_env: Annotated[
        list[str] | None,
        typer.Option(help="With --agent: a variable of this process that agents get; may be repeated."),
    ] = None,
    repository: Annotated[
        list[Path] | None,
        typer.Option(help="With --agent: a clone that jobs may name as payload.repository; may be repeated."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="With --agent: of one session, memory=4G, cores=1.5, processes=500 or disk=20G; may be repeated."
        ),
    ] = None,
    parent: Parent = None,
) -> None:
    """Run a worker until it is stopped; then it finishes or hands back what runs."""
    if (agent is None) == (app is None):
        raise UsageError("a worker needs one of --agent and --app", hint="watchkeeper work --agent command")
    if agent is not None:
        _check(agent)
    settings = begin()
    worker_id = worker_id or settings.worker_id
    options = WorkOptions(
        slots,
        tuple(kind or ()),
        project,
        worker_id,
        pool,
        max_gate_rounds,
        tuple(agent_env or ()),
        tuple(repository or ()),
        tuple(limit or ()),
    )
    with tied_to(parent, settings.home):
        if app is not None:
            of_agents = (command, token_file, kind, agent_env, repository, limit)
            if any(of_agents) or max_gate_rounds is not None:
                raise UsageError(
                    "COMMAND, --kind, --token-file, --agent-env, --repository, --limit and --max-gate-rounds "
                    "belong to --agent"
                )
            _work_app(app, settings, options)
        elif project is not None:
            raise UsageError("--project belongs to --app: a worker's token is of one project already")
        else:
            raise typer.Exit(_work_agent(str(agent), settings, options, list(command or ()), token_file))


def _check(agent: str) -> None:
    # Workers of Python handlers do without the agents' tables too.
    from watchkeeper.agents import known

    known.check(agent)


def _work_agent(
    agent: str, settings: Settings, options: WorkOptions, arguments: list[str], token_file: str | None
) -> int:
    # Workers of Python handlers do without the supervisor, and it without their database.
    from watchkeeper.interfaces.cli.work_agent import work_agent

    return work_agent(agent, settings, options, arguments, token_file)


def _work_app(name: str, settings: Settings, options: WorkOptions) -> None:
    with with_database(settings, note) as complete:
        # Workers are made as their module is imported, and read the database's address then.
        os.environ["WATCHKEEPER_DATABASE_URL"] = str(complete.database_url)
        worker = _worker(_load(name), options, complete)
        asyncio.run(_run(worker))


async def _run(worker: Worker) -> None:
    stop = stop_asked()
    running = asyncio.create_task(worker.run(), name="worker")
    stopping = asyncio.create_task(stop.wait(), name="stopping")
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    stopping.cancel()
    await running


def _load(name: str) -> Any:
    """Import what `module:name` names; raise UsageError that says what is not there."""
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"--app is module:name, not {name!r}")
    # As `python -m` does: a module beside the person who types is found.
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"the module {module_name!r} cannot be imported: {error}") from error
    if not hasattr(module, attribute):
        raise UsageError(f"the module {module_name!r} has no {attribute!r}")
    return getattr(module, attribute)


def _worker(found: Any, options: WorkOptions, settings: Settings) -> Worker:
    if isinstance(found, Worker):
        if options != replace(
            options, slots=None, project=None, worker_id=settings.worker_id, pool="default"
        ):
            raise UsageError(
                "a Worker has its own slots, project, id and pool", hint="Name its list of handlers."
            )
        return found
    if not isinstance(found, Iterable):
        raise UsageError(
            "--app names a Worker or a list of handlers", hint='Mark handlers with @job("kind").'
        )
    return Worker(
        found,
        concurrency=options.slots or 2,
        project=options.project or "default",
        database_url=settings.database_url,
        worker_id=options.worker_id,
        pool=options.pool,
    )
