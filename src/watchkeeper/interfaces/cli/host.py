"""`host`: the guard of this machine. `host export` takes a shorter way in than other commands; see `__main__`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.host_guard.card import card
from watchkeeper.interfaces.cli import host_acts, host_export
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.host_packets import packets_here
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import show, write

host = typer.Typer(
    no_args_is_help=True, help="This machine: what runs on it, whose it is, and what is left over."
)
host.callback()(lambda: None)
host.command()(host_acts.remediate)
host.command("write-back")(host_acts.write_back)

PACKETS_A_REQUEST = 25
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
INCIDENTS = {
    "id": "id",
    "rule": "rule",
    "host": "host_id",
    "state": "state",
    "fires": "is_firing",
    "packet": "packet_id",
    "assets": "assets_written_at",
    "owner": "owner",
    "opened": "opened_at",
}
PACKETS = {"id": "id", "host": "host_id", "lane": "lane", "incident": "incident_id", "of": "generated_at"}


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
def incidents(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    machine: Annotated[str | None, typer.Option("--host", help="Only of this host.")] = None,
    limit: Limit = 50,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List what alerts on hosts opened: does the alert fire, is there a packet, are the assets written."""
    with connected(project, whole=True) as client:
        unresolved = None if everything else "true"
        answer = client.get("/api/host/incidents", host=machine, unresolved=unresolved, limit=limit)
    rows = answer["incidents"]
    show(answer if as_json else rows, as_json=as_json, columns=INCIDENTS, empty="no incidents of hosts")


@host.command()
def packets(
    incident: Annotated[str | None, typer.Option(help="Only of this incident.")] = None,
    machine: Annotated[str | None, typer.Option("--host", help="Only of this host.")] = None,
    limit: Limit = 50,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List the event packets that hosts sent, the newest first."""
    with connected(project, whole=True) as client:
        answer = client.get("/api/host/packets", host=machine, incident=incident, limit=limit)
    rows = answer["packets"]
    show(answer if as_json else rows, as_json=as_json, columns=PACKETS, empty="no packets")


@host.command("packet")
def show_packet(
    packet_id: Annotated[str, typer.Argument(metavar="PACKET", help="The id that 'host packets' shows.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show an event packet as its card; with --json all of it."""
    with connected(project, whole=True) as client:
        answer = client.get(f"/api/host/packets/{part(packet_id)}")
    if as_json:
        show(answer, as_json=True)
    else:
        write(answer["packet"]["card"].rstrip())


@host.command()
def triage(
    pid: Annotated[
        int | None,
        typer.Option(min=1, help="Of the group that this process is in; without it of all that matter."),
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Where 'host export' keeps its state.")] = None,
    proc: Annotated[Path, typer.Option(help="The /proc to read.")] = Path("/proc"),
    report: Annotated[bool, typer.Option("--report", help="Send the packets to the server, too.")] = False,
    as_json: Json = False,
) -> None:
    """Tell of each orphan, CI job and group that looks like one: facts, unknowns, dry run and gates. It only reads."""
    found = packets_here(pid=pid, state=state, proc=proc)
    if report:
        _send(found)
    if as_json:
        show({"ok": True, "packets": found}, as_json=True)
    else:
        write("\n".join(map(card, found)) or "nothing on this host looks like an orphan, and no CI works")


def _send(packets: list[dict[str, Any]]) -> None:
    with connected(whole=True) as client:
        for begin in range(0, len(packets), PACKETS_A_REQUEST):
            client.act("POST", "/api/host/packets", {"packets": packets[begin : begin + PACKETS_A_REQUEST]})
