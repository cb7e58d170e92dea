"""`host`: the guard of this machine. `host export` takes a shorter way in than other commands; see `__main__`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.interfaces.cli import host_export
from watchkeeper.interfaces.cli.options import Json

host = typer.Typer(
    no_args_is_help=True, help="This machine: what runs on it, whose it is, and what is left over."
)
host.callback()(lambda: None)


@host.command()
def export(
    textfile_dir: Annotated[
        Path, typer.Option(help="Where node_exporter reads its textfiles.")
    ] = host_export.DIRECTORY,
    state: Annotated[
        Path | None,
        typer.Option(help="Where it keeps what it needs for the next scan; the home unless given."),
    ] = None,
    proc: Annotated[Path, typer.Option(help="The /proc to read.")] = Path("/proc"),
    as_json: Json = False,
) -> None:
    """Scan this host's processes once, and write what was found for Prometheus."""
    host_export.export(textfile_dir, state, proc, as_json=as_json)
