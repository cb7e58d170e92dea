"""`token`: who may ask for what. A lost owner's token is made anew on the server's machine, past the server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.app import whole as root
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import PrincipalKind, Role
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.entry import OWNER
from watchkeeper.interfaces.cli.local import OWNER_FILE, own_token, with_database, write_secret
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.identity import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS
from watchkeeper.settings import Settings

token = typer.Typer(no_args_is_help=True, help="Tokens: create, list, rotate, revoke.")

COLUMNS = {
    "id": "id",
    "name": "name",
    "kind": "kind",
    "role": "role",
    "project": "project_id",
    "expires": "expires_at",
    "last used": "last_used_at",
    "revoked": "revoked_at",
}
ACTOR = "system:cli"
OWN = "self"


class TokenRole(StrEnum):
    VIEWER = "viewer"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


@token.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token: a person's or worker's name.")] = OWNER,
    role: Annotated[TokenRole | None, typer.Option(help="What it may do.")] = None,
    kind: Annotated[PrincipalKind | None, typer.Option(help="Whose it is; a worker is an agent.")] = None,
    owner: Annotated[
        bool, typer.Option("--owner", help="An owner's token, made in this machine's database itself.")
    ] = False,
    revoke_others: Annotated[
        bool, typer.Option("--revoke-others", help="With --owner: end every other owner's token at once.")
    ] = False,
    days: Annotated[
        float | None, typer.Option(min=0.001, help="How long it lives; for ever by default.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all-projects", help="For the whole installation.")] = False,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    lifetime = None if days is None else days * 86_400
    if owner:
        if role is not None or project is not None or everywhere:
            raise UsageError("--owner is a token of the whole installation; leave out --role and --project")
        asked = _Owner(name, lifetime, kind, revoke_others, reason_or_default(reason))
        _create_owner(asked, dry_run=dry_run, as_json=as_json)
        return
    if revoke_others:
        raise UsageError(
            "--revoke-others goes with --owner", hint="End others with 'watchkeeper token revoke'."
        )
    if role is None:
        raise UsageError("say what the token may do: --role viewer, worker, supervisor or owner")
    body: dict[str, Any] = {"name": name, "role": role.value, "lifetime_seconds": lifetime}
    body["reason"] = reason_or_default(reason)
    if kind is not None:
        body["kind"] = kind.value
    if everywhere:
        body["project_id"] = None
    act = Act(f"make a token of role {role} for {name}", "POST", "/api/tokens", body)
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
        tokens = client.pages("/api/tokens", "tokens")
    show(
        {"ok": True, "tokens": tokens} if as_json else tokens,
        as_json=as_json,
        columns=COLUMNS,
        empty="no tokens",
    )


@token.command()
def rotate(
    token_id: Annotated[
        str, typer.Argument(metavar="[TOKEN_ID]", help="The id that 'token list' shows; else the one in use.")
    ] = OWN,
    overlap: Annotated[
        float,
        typer.Option(
            min=0, max=MAX_OVERLAP_SECONDS, help="Seconds that the old one lives on; 0 ends it at once."
        ),
    ] = OVERLAP_SECONDS,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a token a successor and print it, this once; the old one lives on for the overlap."""
    body = {"reason": reason_or_default(reason), "overlap_seconds": overlap}
    sentence = f"rotate {'the token in use' if token_id == OWN else f'token {token_id}'}"
    act = Act(sentence, "POST", f"/api/tokens/{part(token_id)}/rotate", body)
    answer = carry_out(act, project=None, dry_run=dry_run, as_json=as_json, quiet=True)
    if dry_run:
        return
    settings = Settings.read()
    if answer["own"] and own_token(settings)[1]:
        write_secret(settings.home / OWNER_FILE, answer["token"]["secret"])
        note(f"{settings.home / OWNER_FILE} holds the new token.")
    if not as_json:
        write(answer["token"]["secret"])
        note(f"It is shown this once; the old one ends at {answer['token']['old_ends_at']}.")


@token.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="The id that 'token list' shows.")],
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """End a token at once."""
    query = {"reason": reason_or_default(reason)}
    act = Act(f"revoke token {token_id}", "DELETE", f"/api/tokens/{part(token_id)}", query=query)
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Owner:
    """An owner's token as it is asked for."""

    name: str
    lifetime_seconds: float | None
    kind: PrincipalKind | None
    revoke_others: bool
    reason: str


def _create_owner(asked: _Owner, *, dry_run: bool, as_json: bool) -> None:
    settings = begin()
    path = settings.home / OWNER_FILE
    sentence = f"make an owner's token for {asked.name} in the database itself and write it to {path}"
    if asked.revoke_others:
        sentence += ", and revoke every other owner's token"
    if dry_run:
        plan = {"ok": True, "dry_run": True, "would": sentence}
        show(plan if as_json else None, as_json=as_json, empty=f"would {sentence}; nothing was done")
        return
    with with_database(settings, note) as complete:
        secret, revoked = asyncio.run(_make_owner(complete, asked, path))
    answer = {"ok": True, "name": asked.name, "role": Role.OWNER.value, "file": str(path), "secret": secret}
    ended = f"\n{revoked} other owner's tokens were revoked." if asked.revoke_others else ""
    show(
        {**answer, "revoked": revoked} if as_json else None,
        as_json=as_json,
        empty=f"{secret}\nIt stands in {path}, too.{ended}",
    )


async def _make_owner(settings: Settings, asked: _Owner, path: Path) -> tuple[str, int]:
    async with root.running(settings) as app:
        made = await app.identity.create_token(
            asked.name,
            Role.OWNER,
            None,
            actor=ACTOR,
            lifetime_seconds=asked.lifetime_seconds,
            kind=asked.kind,
            reason=asked.reason,
        )
        # Before the others end: whatever happens next, this home holds a token that lives.
        write_secret(path, made.secret)
        if not asked.revoke_others:
            return made.secret, 0
        return made.secret, await app.identity.revoke_other_owners(made.id, actor=ACTOR, reason=asked.reason)
