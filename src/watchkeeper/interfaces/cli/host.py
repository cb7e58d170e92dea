"""`host`: the guard of this machine. `host export` takes a shorter way in than other commands; see `__main__`."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.host_guard.card import card
from watchkeeper.domain.host_guard.evidence import Lane
from watchkeeper.domain.host_guard.packet import Told, packet
from watchkeeper.domain.redaction import Redactor
from watchkeeper.host.scan import ScanError
from watchkeeper.interfaces.cli import host_export
from watchkeeper.interfaces.cli.options import Json
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.services.host_guard.export import HostExport

host = typer.Typer(
    no_args_is_help=True, help="This machine: what runs on it, whose it is, and what is left over."
)
host.callback()(lambda: None)

TO_TELL_OF = {Lane.ORPHAN, Lane.CI, Lane.UNPROVEN, Lane.UNKNOWN}


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


@host.command()
def triage(
    pid: Annotated[
        int | None,
        typer.Option(min=1, help="Of the group that this process is in; without it of all that matter."),
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Where 'host export' keeps its state.")] = None,
    proc: Annotated[Path, typer.Option(help="The /proc to read.")] = Path("/proc"),
    as_json: Json = False,
) -> None:
    """Tell of each orphan, CI job and group that looks like one: facts, unknowns, dry run and gates. It only reads."""
    place = state or host_export.state_directory()
    try:
        seen = HostExport(proc, place, place).look(time.time())
    except ScanError as error:
        raise UsageError(str(error), hint="Give --proc a mounted /proc.") from error
    redactor = Redactor(
        value for name, value in os.environ.items() if name.endswith(("TOKEN", "KEY", "SECRET"))
    )
    packets = [
        packet(
            one,
            Told(socket.gethostname(), seen.scan, seen.windows.get(one.group.root.key, ()), redactor.redact),
        )
        for one in seen.judged
        if (pid is None and one.judgement.lane in TO_TELL_OF)
        or pid in {member.key.pid for member in one.group.members}
    ]
    if pid is not None and not packets:
        raise NotFound(
            f"process {pid} is in no group", hint="'watchkeeper host export --json' lists the groups."
        )
    if as_json:
        show({"ok": True, "packets": packets}, as_json=True)
    else:
        write("\n".join(map(card, packets)) or "nothing on this host looks like an orphan, and no CI works")
