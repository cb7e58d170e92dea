"""`access`: letting other people into the console, and one's own logins."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import note
from watchkeeper.services.invitations import HOURS, MOST_HOURS

access = typer.Typer(no_args_is_help=True, help="Logins to the console: invite, list, end.")

COLUMNS = {
    "id": "id",
    "role": "role",
    "project": "project_id",
    "begun": "created_at",
    "last used": "last_seen_at",
    "ends": "expires_at",
}


class PersonRole(StrEnum):
    VIEWER = "viewer"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


@access.command()
def invite(
    name: Annotated[str, typer.Argument(help="Who is let in.")],
    role: Annotated[PersonRole, typer.Option(help="What the person may do.")] = PersonRole.VIEWER,
    hours: Annotated[float, typer.Option(min=0.01, max=MOST_HOURS, help="How long the link works.")] = HOURS,
    channel: Annotated[str | None, typer.Option(help="Send the link over this channel too.")] = None,
    everywhere: Annotated[bool, typer.Option("--all-projects", help="For the whole installation.")] = False,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a link that logs another person in to the console, once, and print it."""
    body: dict[str, Any] = {"name": name, "role": role.value, "hours": hours}
    body["reason"] = reason_or_default(reason)
    if everywhere:
        body["project_id"] = None
    if channel is not None:
        body["channel"] = channel
    act = Act(f"make a link for {name} as {role}", "POST", "/api/login-links", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not dry_run and not as_json:
        write(answer["link"]["secret"])
        note("It is shown this once, and works once. Revoking its token ends it.")
        if channel is not None:
            took = (
                "took it" if answer["link"]["delivered"] else f"did not take it: {answer['link']['detail']}"
            )
            note(f"The channel {channel} {took}.")


@access.command("list")
def list_sessions(as_json: Json = False) -> None:
    """List one's own living logins in browsers."""
    with connected(None, whole=True) as client:
        answer = client.get("/api/console-sessions")
    show(answer if as_json else answer["sessions"], as_json=as_json, columns=COLUMNS, empty="no logins")


@access.command()
def end(
    session: Annotated[str, typer.Argument(help="The id that 'access list' shows.")],
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End one of one's own logins: that browser has to log in again."""
    act = Act(
        f"end the login {session}",
        "DELETE",
        f"/api/console-sessions/{part(session)}",
        query={"reason": reason_or_default(reason)},
    )
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)
