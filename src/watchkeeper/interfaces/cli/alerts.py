"""`alert` and `channel`: what people were told, and by which ways."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import note

alert = typer.Typer(no_args_is_help=True, help="Alerts: list, show, why, ack, test.")
channel = typer.Typer(no_args_is_help=True, help="Alert channels: list, kinds, on, off, test.")

COLUMNS = {
    "id": "id",
    "state": "state",
    "severity": "severity",
    "channel": "channel",
    "to": "recipient",
    "stage": "stage",
    "next": "due_at",
    "because": "because",
    "text": "body",
}
CHANNEL_COLUMNS = {
    "name": "name",
    "kind": "kind",
    "on": "is_on",
    "address": "shown_address",
    "quiet from": "quiet_from",
    "to": "quiet_to",
    "language": "language",
    "this hour": "hour_sent",
    "of": "per_hour",
    "this month": "quota_used",
    "of which": "quota_limit",
    "sent": "sent_at",
    "problem": "last_error",
}

AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="The id that 'alert list' shows.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]


@alert.command("list")
def list_alerts(
    state: Annotated[str | None, typer.Option(help="waiting, sent or dropped.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List alerts, the newest first; of those that wait, why and until when."""
    with connected(project) as client:
        answer = client.get("/api/alerts", limit=limit, state=state)
    rows = [{**row, "because": row["held_reason"] or row["drop_reason"]} for row in answer["alerts"]]
    show(answer if as_json else rows, as_json=as_json, columns=COLUMNS, empty="no alerts")


@alert.command("show")
def show_alert(alert_id: AlertId, project: Project = None, as_json: Json = False) -> None:
    """Show one alert with its receipt, or why it was not sent."""
    with connected(project) as client:
        answer = client.get(f"/api/alerts/{part(alert_id)}")
    show(answer if as_json else answer["alert"], as_json=as_json)


@alert.command()
def why(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's id.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Say of an incident what people were told, why they are not told now, and when they are next."""
    with connected(project) as client:
        answer = client.get(f"/api/alerts/of/{part(incident)}")
    if as_json:
        show(answer, as_json=True)
        return
    facts = ("told_now", "not_told_because", "symptom_of", "next_at")
    show({name: answer[name] for name in facts if name != "symptom_of" or answer[name]}, as_json=False)
    rows = [{**row, "because": row["held_reason"] or row["drop_reason"]} for row in answer["alerts"]]
    show(rows, as_json=False, columns=COLUMNS, empty="nobody was told yet")


@alert.command()
def ack(
    alert_id: AlertId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Say that you have seen an alert and take care."""
    path = f"/api/alerts/{part(alert_id)}"
    body = {"reason": reason_or_default(reason)}
    act = Act(f"acknowledge alert {alert_id}", "POST", f"{path}/acknowledge", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@alert.command("test")
def send_test(
    reason: Reason = None, project: Project = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Send a test through the outbox, on every channel that carries the project's alerts."""
    body = {"reason": reason_or_default(reason)}
    act = Act("send a test alert", "POST", "/api/alerts/test", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@channel.command("list")
def list_channels(project: Project = None, as_json: Json = False) -> None:
    """List a project's channels, and say by which its alerts go now."""
    with connected(project) as client:
        answer = client.get("/api/channels")
    if as_json:
        show(answer, as_json=True)
        return
    show(answer["channels"], as_json=False, columns=CHANNEL_COLUMNS, empty="no channel was set up")
    write("alerts go by: " + (", ".join(row["name"] for row in answer["in_use"]) or "nothing"))


@channel.command()
def kinds(project: Project = None, as_json: Json = False) -> None:
    """List the kinds of channels, and what each is told by --set and --secret-file."""
    with connected(project) as client:
        answer = client.get("/api/channels/kinds")
    if as_json:
        show(answer, as_json=True)
        return
    for one in answer["kinds"]:
        write(f"{one['kind']}: {one['what']}")
        for told in one["fields"]:
            way = "--secret-file" if told["is_secret"] else "--set"
            usual = (
                f" (else {told['usual']})"
                if told["usual"]
                else ""
                if told["is_needed"]
                else " (may be left out)"
            )
            write(f"  {way} {told['name']}=...  {told['what']}{usual}")


def _pairs(told: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for one in told or []:
        name, sign, value = one.partition("=")
        if not sign or not name or not value:
            raise UsageError(f"{option} is NAME=VALUE, with something on both sides")
        pairs[name] = value
    return pairs


def _read(path: str) -> str:
    """Read a secret from a file, so that no list of processes and no shell's history has it."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the file {path} cannot be read: {error}") from None


@channel.command()
def on(
    name: Name,
    kind: Annotated[str, typer.Option(help="One of those that 'channel kinds' lists.")] = "webhook",
    url: Annotated[
        str | None, typer.Option(help="Where a webhook posts to; left out, the known address stays.")
    ] = None,
    quiet: Annotated[str | None, typer.Option(help="Hours without alerts, e.g. 22:00-07:00.")] = None,
    time_zone: Annotated[str, typer.Option(help="Whose hours: a name of the IANA database.")] = "UTC",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of its kind.")
    ] = None,
    secret_files: Annotated[
        list[str] | None,
        typer.Option("--secret-file", metavar="NAME=FILE", help="A secret of its kind, in a file."),
    ] = None,
    language: Annotated[str, typer.Option(help="In which language it speaks: en or zh_Hant.")] = "en",
    per_hour: Annotated[
        int, typer.Option(min=1, max=10_000, help="So many messages an hour; more go as one.")
    ] = 30,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Turn a channel on; print the key that a new webhook's messages are signed with, this once."""
    kind = "console" if name == "console" else kind
    body: dict[str, Any] = {"name": name, "kind": kind, "quiet": quiet, "time_zone": time_zone}
    body |= {"reason": reason_or_default(reason), "url": url, "language": language, "per_hour": per_hour}
    body["settings"] = _pairs(settings, "--set")
    files = _pairs(secret_files, "--secret-file")
    body["secrets"] = {one: _read(path) for one, path in files.items()}
    hidden = {**body, "url": None if url is None else "...", "secrets": dict.fromkeys(files, "...")}
    act = Act(f"turn the channel {name} on", "POST", "/api/channels", body, shown=hidden)
    # Stdout is the key and nothing else, so that it can be sent to a file.
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if dry_run or as_json:
        return
    note(f"The channel {name} is on.")
    if secret := answer["channel"].get("secret"):
        write(secret)
        note("It signs the messages, and is shown this once.")


@channel.command()
def off(
    name: Name, reason: Reason = None, project: Project = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Turn a channel off; what waits for it is dropped."""
    body = {"reason": reason_or_default(reason)}
    path = f"/api/channels/{part(name)}/off"
    act = Act(f"turn the channel {name} off", "POST", path, body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@channel.command("test")
def try_channel(
    name: Name, reason: Reason = None, project: Project = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Send a message on one channel at once, and say what came of it."""
    body = {"reason": reason_or_default(reason)}
    path = f"/api/channels/{part(name)}/test"
    act = Act(f"try the channel {name}", "POST", path, body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not dry_run and not as_json:
        write("delivered" if answer["delivered"] else f"not delivered: {answer['detail']}")
