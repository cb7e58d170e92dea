"""The options that commands share, so that each means the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the same as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Reason = Annotated[
    str | None, typer.Option("--reason", help="Why: kept in the audit trail.", show_default=False)
]
LocalReason = Annotated[
    str | None,
    typer.Option("--reason", help="Why: written into the log; no trail is kept of it.", show_default=False),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        envvar="WATCHKEEPER_PROJECT_ID",
        help="The project; with the token of this machine's owner it is 'default' unless named.",
        show_default=False,
    ),
]
