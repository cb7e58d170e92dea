"""The operators' program: which commands there are, where they live, and how it ends.

A command's module is imported when it is asked for, so that `jobs list` does not wait for the server's libraries.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

import typer
from typer import Exit, TyperException

from watchkeeper import __version__
from watchkeeper.domain.errors import EXIT_CODE, ServerUnreachable, UsageError, WatchkeeperError
from watchkeeper.interfaces.cli.contract.arguments import refuse_unreadable
from watchkeeper.interfaces.cli.output import explain, write

HOME = "watchkeeper.interfaces.cli"
INTERRUPTED_EXIT = 130


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is: a function of a module, or with `group` a Typer of subcommands."""

    module: str
    name: str
    group: bool = False


COMMANDS: dict[str, Place] = {
    "up": Place("up", "up"),
    "stop": Place("here", "stop"),
    "login": Place("here", "login"),
    "serve": Place("serve", "serve"),
    "watch": Place("watch", "watch"),
    "work": Place("work", "work"),
    "relay": Place("helper", "relay"),
    "supervise": Place("helper", "supervise"),
    "jobs": Place("jobs", "jobs", group=True),
    "kinds": Place("kinds", "kinds", group=True),
    "schedules": Place("schedules", "schedules", group=True),
    "projects": Place("projects", "projects", group=True),
    "workers": Place("workers", "workers", group=True),
    "sessions": Place("sessions", "sessions", group=True),
    "alert": Place("alerts", "alert", group=True),
    "channel": Place("alerts", "channel", group=True),
    "chat": Place("chat", "chat", group=True),
    "incident": Place("incidents", "incident", group=True),
    "report": Place("reports", "report", group=True),
    "view": Place("shared", "view", group=True),
    "share": Place("shared", "share", group=True),
    "badge": Place("shared", "badge", group=True),
    "repair": Place("repairs", "repair", group=True),
    "policy": Place("repairs", "policy", group=True),
    "needs": Place("needed", "needs"),
    "queue-health": Place("workers", "queue_health"),
    "why": Place("why", "why"),
    "switch": Place("workers", "switch"),
    "token": Place("tokens", "token", group=True),
    "window": Place("windows", "window", group=True),
    "bulk": Place("bulk", "bulk", group=True),
    "access": Place("logins", "access", group=True),
    "audit": Place("audit", "audit", group=True),
    "artifacts": Place("artifacts", "artifacts", group=True),
    "lesson": Place("lessons", "lesson", group=True),
    "proposal": Place("proposals", "proposal", group=True),
    "people": Place("people", "people", group=True),
    "signal": Place("signals", "signal", group=True),
    "db": Place("db", "db", group=True),
    "config": Place("config", "config", group=True),
    "drill": Place("drill", "drill"),
    "eval": Place("eval", "evaluate", group=True),
    "debug": Place("debug", "debug", group=True),
    "host": Place("host", "host", group=True),
    "mcp": Place("mcp", "mcp", group=True),
}

EPILOG = (
    "Agents call doctor, touch, claim, context, progress, upload-files, verify, complete, fail and release; "
    "docs/reference/contract.md describes them."
)


def run() -> int:
    """Run the command of this process and give its exit code; a person never meets a traceback."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        write(f"watchkeeper {__version__}")
        return 0
    as_json = "--json" in arguments
    try:
        refuse_unreadable(["watchkeeper", *arguments])
        result = program(arguments[0] if arguments else "")(
            args=arguments, prog_name="watchkeeper", standalone_mode=False
        )
    except WatchkeeperError as error:
        return explain(error, as_json=as_json)
    except Exit as end:
        return end.exit_code
    except TyperException as error:
        if not error.format_message():
            return EXIT_CODE["usage"]  # the help was asked for by saying nothing, and stands there
        return explain(_misused(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED_EXIT
    except Exception as error:  # noqa: BLE001 - the last net: a person gets a sentence, never a traceback
        return explain(_unforeseen(error), as_json=as_json)
    return result if isinstance(result, int) else 0


def program(asked: str) -> typer.Typer:
    """Build the program with the command that is asked for; with all of them for any other word."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Runs and guards unattended workers: durable jobs, fenced leases, an evidence gate, rescue and audit.",
        epilog=EPILOG,
    )
    app.callback()(lambda: None)
    for name, place in COMMANDS.items():
        if asked not in COMMANDS or name == asked:
            found = getattr(importlib.import_module(f"{HOME}.{place.module}"), place.name)
            if place.group:
                app.add_typer(found, name=name)
            else:
                app.command(name)(found)
    return app


def _misused(error: TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "watchkeeper"
    return UsageError(error.format_message(), hint=f"'{path} --help' tells more.")


def _unforeseen(error: Exception) -> WatchkeeperError:
    if isinstance(error, ConnectionError):
        return ServerUnreachable(str(error))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return WatchkeeperError(
        f"{type(error).__name__}: {error}{place}", hint="Please report it with the command."
    )
