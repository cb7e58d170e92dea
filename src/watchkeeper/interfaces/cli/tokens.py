"""`token`: who may ask for what. A lost owner's token is made anew on the server's machine, past the server."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Any

import typer

from watchkeeper import app as root
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.entry import OWNER
from watchkeeper.interfaces.cli.local import OWNER_FILE, with_database, write_secret
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.settings import Settings

token = typer.Typer(no_args_is_help=True, help="Tokens: create, list, revoke.")

COLUMNS = {
    "id": "id",
    "name": "name",
    "role": "role",
    "project": "project_id",
    "expires": "expires_at",
    "last used": "last_used_at",
    "revoked": "revoked_at",
}
ACTOR = "system:cli"


class TokenRole(StrEnum):
    VIEWER = "viewer"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


@token.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token: a person's or worker's name.")] = OWNER,
    role: Annotated[TokenRole | None, typer.Option(help="What it may do.")] = None,
    owner: Annotated[
        bool, typer.Option("--owner", help="An owner's token, made in this machine's database itself.")
    ] = False,
    days: Annotated[
        float | None, typer.Option(min=0.001, help="How long it lives; for ever by default.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all-projects", help="For the whole installation.")] = False,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    lifetime = None if days is None else days * 86_400
    if owner:
        if role is not None or project is not None or everywhere:
            raise UsageError("--owner is a token of the whole installation; leave out --role and --project")
        _create_owner(name, lifetime, dry_run=dry_run, as_json=as_json)
        return
    if role is None:
        raise UsageError("say what the token may do: --role viewer, worker, supervisor or owner")
    body: dict[str, Any] = {"name": name, "role": role.value, "lifetime_seconds": lifetime}
    if everywhere:
        body["project_id"] = None
    act = Act(f"make a token of role {role} for {name}", "POST", "/api/tokens", body, look="/api/tokens")
    # Stdout is the token and nothing else, so that it can be sent to a file.
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not dry_run and not as_json:
        write(answer["token"]["secret"])
        note("It is shown this once; the server keeps only its hash.")


@token.command("list")
def list_tokens(
    project: Annotated[str | None, typer.Option("--project", "-p", help="Only this project's.")] = None,
    as_json: Json = False,
) -> None:
    """List tokens, never their secrets."""
    with connected(project, whole=True) as client:
        answer = client.get("/api/tokens")
    show(answer if as_json else answer["tokens"], as_json=as_json, columns=COLUMNS, empty="no tokens")


@token.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The id that 'token list' shows.")],
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a token at once."""
    query = {"reason": reason_or_default(reason)}
    act = Act(
        f"revoke token {token_id}", "DELETE", f"/api/tokens/{part(token_id)}", query=query, look="/api/tokens"
    )
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)


def _create_owner(name: str, lifetime: float | None, *, dry_run: bool, as_json: bool) -> None:
    settings = begin()
    path = settings.home / OWNER_FILE
    sentence = f"make an owner's token for {name} in the database itself and write it to {path}"
    if dry_run:
        plan = {"ok": True, "dry_run": True, "would": sentence}
        show(plan if as_json else None, as_json=as_json, empty=f"would {sentence}; nothing was done")
        return
    with with_database(settings, note) as complete:
        secret = asyncio.run(_make_owner(complete, name, lifetime))
    write_secret(path, secret)
    answer = {"ok": True, "name": name, "role": Role.OWNER.value, "file": str(path), "secret": secret}
    show(answer if as_json else None, as_json=as_json, empty=f"{secret}\nIt stands in {path}, too.")


async def _make_owner(settings: Settings, name: str, lifetime: float | None) -> str:
    async with root.running(settings) as app:
        made = await app.identity.create_token(name, Role.OWNER, None, actor=ACTOR, lifetime_seconds=lifetime)
        return made.secret
