"""`chat`: doors that LINE, Telegram and Slack post to, and whose accounts are whose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import note

chat = typer.Typer(no_args_is_help=True, help="Chats: doors, open, close, seen, code, links, unlink.")

DOORS = {
    "channel": "channel",
    "platform": "platform",
    "path": "path",
    "links": "links",
    "heard": "last_event_at",
}
PLACES = {"channel": "channel", "kind": "kind", "chat": "chat", "title": "title", "seen": "last_seen_at"}
LINKS = {
    "link": "id",
    "channel": "channel",
    "account": "account",
    "name": "account_name",
    "is": "principal",
    "role": "role",
    "counts": "counts",
}
MAX_SECRET_BYTES = 1_024

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")]


@chat.command()
def doors(project: Project = None, as_json: Json = False) -> None:
    """List the doors of a project's channels: the paths that the platforms post to."""
    with connected(project) as client:
        answer = client.get("/api/chat/doors")
    show(answer if as_json else answer["doors"], as_json=as_json, columns=DOORS, empty="no door is open")


@chat.command("open")
def open_door(
    channel: Channel,
    platform: Annotated[str, typer.Option(help="line, telegram or slack.")],
    secret_file: Annotated[
        Path | None, typer.Option(help="Holds LINE's channel secret, or Slack's signing secret.")
    ] = None,
    language: Annotated[str, typer.Option(help="In which language it answers: en or zh_Hant.")] = "en",
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Open a door for a channel; print the secret that was made for Telegram, this once."""
    body = {
        "channel": channel,
        "platform": platform,
        "signing_secret": None if secret_file is None else _secret(secret_file),
        "language": language,
        "reason": reason_or_default(reason),
    }
    act = Act(f"open a door for {channel}", "POST", "/api/chat/doors", body)
    # Stdout is the secret and nothing else, so that it can be sent to a file.
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if dry_run or as_json:
        return
    note(f"{platform} posts to {answer['door']['path']} of this server.")
    if secret := answer["door"].get("secret"):
        write(secret)
        note("Give it to setWebhook as secret_token; it is shown this once.")


@chat.command()
def close(
    channel: Channel,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Close a door; its linked accounts are linked no more."""
    body = {"reason": reason_or_default(reason)}
    act = Act(f"close the door of {channel}", "POST", f"/api/chat/doors/{part(channel)}/close", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@chat.command()
def seen(
    channel: Annotated[str | None, typer.Option(help="Of one channel's door only.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List the chats that the doors heard of: their ids are what a channel sends to."""
    with connected(project) as client:
        answer = client.get("/api/chat/places", channel=channel)
    show(answer if as_json else answer["places"], as_json=as_json, columns=PLACES, empty="nobody wrote yet")


@chat.command()
def code(
    project: Project = None, reason: Reason = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Make a code; send it once from your chat within ten minutes, and you are known there."""
    body = {"reason": reason_or_default(reason)}
    act = Act("make a code that links an account", "POST", "/api/chat/codes", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not dry_run and not as_json:
        write(answer["code"]["secret"])
        note("Send it from your chat; it works once, for ten minutes.")


@chat.command()
def links(project: Project = None, as_json: Json = False) -> None:
    """List linked accounts: yours, or all where you are an owner."""
    with connected(project) as client:
        answer = client.get("/api/chat/links")
    show(answer if as_json else answer["links"], as_json=as_json, columns=LINKS, empty="no account is linked")


@chat.command()
def unlink(
    link: Annotated[str, typer.Argument(metavar="LINK", help="The id that 'chat links' shows.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a link: yours, or anybody's where you are an owner."""
    body = {"reason": reason_or_default(reason)}
    act = Act(f"end the link {link}", "POST", f"/api/chat/links/{part(link)}/unlink", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the secret's file cannot be read: {error}") from None
