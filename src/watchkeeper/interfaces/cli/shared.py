"""`view`, `share`, `badge`: what people keep of the console and show to others."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.local import read_url
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import note
from watchkeeper.settings import Settings

view = typer.Typer(no_args_is_help=True, help="Saved views of the console: list, save, remove.")
share = typer.Typer(no_args_is_help=True, help="Read-only links to one page: create, list, revoke.")
badge = typer.Typer(no_args_is_help=True, help="Status badges: list, renew.")

VIEWS = {"id": "id", "name": "name", "address": "address", "of the project": "of_project", "by": "saved_by"}
SHARES = {
    "id": "id",
    "page": "address",
    "state": "state",
    "expires": "expires_at",
    "last opened": "opened_at",
    "by": "made_by",
    "reason": "reason",
}
BADGES = {"badge": "badge", "address": "address"}

Address = Annotated[str, typer.Argument(help="A page with its filters, such as /jobs?state=failed.")]


@view.command("list")
def list_views(project: Project = None, as_json: Json = False) -> None:
    """List your views, and those of the project."""
    with connected(project) as client:
        answer = client.get("/api/views")
    show(answer if as_json else answer["views"], as_json=as_json, columns=VIEWS, empty="no saved views")


@view.command()
def save(
    name: Annotated[str, typer.Argument(help="Its name; one of that name is replaced.")],
    address: Address,
    of_project: Annotated[
        bool, typer.Option("--of-project", help="For all who see the project, not for you alone.")
    ] = False,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Keep a page with its filters under a name."""
    why = reason_or_default(reason)
    body = {"name": name, "address": address, "of_project": of_project, "reason": why}
    carry_out(
        Act(f"save the view {name}", "POST", "/api/views", body),
        project=project,
        dry_run=dry_run,
        as_json=as_json,
    )


@view.command("remove")
def remove_view(
    view_id: Annotated[str, typer.Argument(metavar="VIEW", help="The id that 'view list' shows.")],
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a view."""
    query = {"reason": reason_or_default(reason)}
    act = Act(f"remove the view {view_id}", "DELETE", f"/api/views/{part(view_id)}", query=query)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@share.command("create")
def create_share(
    address: Address,
    days: Annotated[float, typer.Option(min=0.001, max=90, help="How long it shows the page.")] = 7,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a link that shows one page to whoever has it, without a login, and print it, this once."""
    body = {"address": address, "days": days, "reason": reason_or_default(reason)}
    act = Act(f"make a link to {address} for {days:g} days", "POST", "/api/shares", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not dry_run and not as_json:
        write(f"{read_url(Settings.read())}/share/{answer['share']['secret']}")
        note("It is shown this once; the server keeps only its hash.")


@share.command("list")
def list_shares(project: Project = None, as_json: Json = False) -> None:
    """List the links of a project, the newest first."""
    with connected(project) as client:
        answer = client.get("/api/shares")
    show(answer if as_json else answer["shares"], as_json=as_json, columns=SHARES, empty="no links")


@share.command("revoke")
def revoke_share(
    share_id: Annotated[str, typer.Argument(metavar="LINK", help="The id that 'share list' shows.")],
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a link at once."""
    query = {"reason": reason_or_default(reason)}
    act = Act(f"end the link {share_id}", "DELETE", f"/api/shares/{part(share_id)}", query=query)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@badge.command("list")
def list_badges(project: Project = None, as_json: Json = False) -> None:
    """Print the addresses of a project's badges."""
    with connected(project) as client:
        answer = client.get("/api/badges")
    url = read_url(Settings.read())
    rows = [{"badge": name, "address": f"{url}{path}"} for name, path in answer["badges"].items()]
    show(answer if as_json else rows, as_json=as_json, columns=BADGES)


@badge.command()
def renew(
    project: Project = None, reason: Reason = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Sign the badges anew, so that the addresses of before show nothing."""
    body = {"reason": reason_or_default(reason)}
    act = Act("sign the badges of the project anew", "POST", "/api/badges/renew", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
