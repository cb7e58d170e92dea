"""Who gets in: tokens, one-time links for other people, and the sessions of browsers."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit

MOST_TOKENS = 1000
NAME = Field("name", message("Whose it is: the name of a person, a worker or a service"), is_required=True)
ROLES = (
    ("viewer", message("viewer: reads")),
    ("supervisor", message("supervisor: reads, operates, decides")),
    ("owner", message("owner: everything")),
)
ROLE = Field("role", message("Role"), "choice", ROLES, "viewer", is_required=True)
ROLE_OR_WORKER = Field(
    "role",
    message("Role"),
    "choice",
    (("worker", message("worker: does jobs")), *ROLES),
    "worker",
    is_required=True,
)
LIFETIME = Field("lifetime_seconds", message("Days that it lives; empty: for ever"), "number", scale=86_400)


async def look_at_project(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    return Seen(project)


async def look_at_token(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    rows, _ = await ground.app.identity.list_tokens(visit.known.project_id, None, MOST_TOKENS)
    row = next((row for row in rows if str(row["id"]) == target["token_id"]), None)
    if row is None:
        raise NotFound("there is no such token here")
    facts: tuple[Fact, ...] = (
        (message("Role"), row["role"]),
        (message("Project"), row["project_id"] or message("the whole installation")),
        (message("Made"), row["created_at"]),
        (message("Made by"), row["minted_by"]),
        (message("Last used"), row["last_used_at"]),
        (message("Ends"), row["revoked_at"] or row["expires_at"]),
    )
    return Seen(row["principal"], facts, str(row["revoked_at"]), project=row["project_id"] or "")


def _made(name: str, title: str, touches: str, *, of_whole: bool) -> Act:
    return Act(
        name=name,
        route="POST /api/tokens",
        right=Right.MANAGE_TOKENS,
        title=title,
        plan=message("A token is made. Its secret is shown once, on the next page."),
        touches=touches,
        stays=message("All other tokens, and who is logged in."),
        undo=message("It is revoked at any time; then it opens nothing more."),
        otherwise=message("Nobody gets in who could not before."),
        look=look_at_project,
        fields=(NAME, ROLE if of_whole else ROLE_OR_WORKER, LIFETIME),
        says={"project_id": None} if of_whole else {},
        reason="none",
        is_rehearsed=False,
        of_whole=of_whole,
    )


CREATE = _made(
    "token-create",
    message("Make a token"),
    message("One project: what its role may do there."),
    of_whole=False,
)
CREATE_WHOLE = _made(
    "token-create-whole",
    message("Make a token of the whole installation"),
    message("Every project: what its role may do there."),
    of_whole=True,
)
ROTATE = Act(
    name="token-rotate",
    route="POST /api/tokens/{token_id}/rotate",
    right=Right.MANAGE_TOKENS,
    title=message("Rotate the token"),
    plan=message(
        "A successor is made, with the same role and project; its secret is shown once, on the next page."
    ),
    touches=message("Whoever uses the old token: it ends after the overlap, and logins by it with it."),
    stays=message("The name, the role and the project."),
    undo=message("The successor can be revoked. An old token that has ended does not come back."),
    otherwise=message("The token lives on as it is."),
    look=look_at_token,
    target=("token_id",),
    fields=(
        Field(
            "overlap_seconds", message("Hours that the old one lives on"), "number", default="24", scale=3600
        ),
    ),
    of_whole=True,
)
REVOKE = Act(
    name="token-revoke",
    route="DELETE /api/tokens/{token_id}",
    right=Right.MANAGE_TOKENS,
    title=message("Revoke the token"),
    plan=message("The token ends at once, and with it the logins that began with it."),
    touches=message("Whoever uses it: the next request is refused."),
    stays=message("The name, its other tokens, and everything that was done with it."),
    undo=message("There is no way back; another token can be made for the same name."),
    otherwise=message("The token lives on as it is."),
    look=look_at_token,
    target=("token_id",),
    reason="query",
    of_whole=True,
)


def _invited(name: str, title: str, touches: str, *, of_whole: bool) -> Act:
    return Act(
        name=name,
        route="POST /api/login-links",
        right=Right.MANAGE_TOKENS,
        title=title,
        plan=message("A link is made that logs one browser in, once. It is shown once, on the next page."),
        touches=touches,
        stays=message("All other tokens, and who is logged in."),
        undo=message("The link and the login that it became end when its token is revoked."),
        otherwise=message("Nobody gets in who could not before."),
        look=look_at_project,
        fields=(
            NAME,
            ROLE,
            Field("hours", message("Hours that the link works"), "number", default="24"),
            Field(
                "channel",
                message("Channel that it is sent over, too; empty: none"),
                hint=message("Whoever reads that channel first can log in by it."),
            ),
        ),
        says={"project_id": None} if of_whole else {},
        reason="none",
        is_rehearsed=False,
        of_whole=of_whole,
    )


INVITE = _invited(
    "login-invite",
    message("Let a person in"),
    message("One project: what the role may do there."),
    of_whole=False,
)
INVITE_WHOLE = _invited(
    "login-invite-whole",
    message("Let a person in to the whole installation"),
    message("Every project: what the role may do there."),
    of_whole=True,
)


async def look_at_session(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    for row in await ground.app.login_links.sessions(visit.known.id):
        if row["id"] == target["session"]:
            facts: tuple[Fact, ...] = (
                (message("Begun"), row["created_at"]),
                (message("Last used"), row["last_seen_at"]),
                (message("Ends"), row["expires_at"]),
            )
            return Seen(row["id"], facts)
    raise NotFound("you have no such session")


END_SESSION = Act(
    name="session-end",
    route="DELETE /api/console-sessions/{session}",
    right=Right.READ,
    title=message("End the login"),
    plan=message("That browser has to log in again."),
    touches=message("One of your own browsers."),
    stays=message("Your token, and your other logins."),
    undo=message("There is no way back; you log in again."),
    otherwise=message("It ends by itself after a day without use, and after seven days."),
    look=look_at_session,
    target=("session",),
    reason="query",
    of_whole=True,
)

ACTS = (CREATE, CREATE_WHOLE, ROTATE, REVOKE, INVITE, INVITE_WHOLE, END_SESSION)
