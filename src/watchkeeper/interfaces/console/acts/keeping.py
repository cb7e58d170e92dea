"""What a person does to saved views, read-only links and badges."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.page_addresses import PageAddress
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Field, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.share_links import USUAL_DAYS

PAGE = message("Page")
MADE_BY = message("Made by")
EXPIRES = message("Runs out")


async def page(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    address = str(PageAddress.parse(target["address"]))
    return Seen(address, ((PAGE, address),))


async def view(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    for row in await ground.app.watchdog.reporting.views.list(project, visit.known):
        if str(row["id"]) == target["view_id"]:
            facts = ((PAGE, row["address"]), (MADE_BY, row["saved_by"]))
            return Seen(row["name"], facts, row["address"], frozenset({str(row["id"])}))
    raise NotFound("there is no such view here")


async def link(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    for row in await ground.app.watchdog.reporting.shares.list(project):
        if str(row["id"]) == target["share_id"]:
            facts = ((PAGE, row["address"]), (MADE_BY, row["made_by"]), (EXPIRES, row["expires_at"]))
            return Seen(row["address"], facts, row["state"], frozenset({str(row["id"])}))
    raise NotFound("there is no such link here")


async def badges(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    return Seen(project)


SAVE = Act(
    name="view-save",
    route="POST /api/views",
    right=Right.READ,
    title=message("Keep this view"),
    plan=message("The page is kept with its filters under a name; one of that name is replaced."),
    touches=message("Your list of views, or the project's, if you say so and may."),
    stays=message("What the page shows is read anew each time."),
    undo=message("A view can be removed at any time."),
    otherwise=message("The page's address works as before; nothing is kept."),
    look=page,
    target=("address",),
    fields=(
        Field("name", message("Name"), is_required=True),
        Field("of_project", message("For all who see the project"), "check"),
    ),
    reason="none",
    is_rehearsed=False,
)

REMOVE = Act(
    name="view-remove",
    route="DELETE /api/views/{view_id}",
    right=Right.READ,
    title=message("Remove the view"),
    plan=message("The name goes from the list; the page itself stays as it is."),
    touches=message("One saved view; for all who see the project, if it is the project's."),
    stays=message("The page, and every other view."),
    undo=message("It cannot be undone, but the page can be kept again under the same name."),
    otherwise=message("It stays in the list."),
    look=view,
    target=("view_id",),
    reason="query",
)

SHARE = Act(
    name="share-make",
    route="POST /api/shares",
    right=Right.OPERATE,
    title=message("Show this page by a link"),
    plan=message("Whoever has the link sees this one page without signing in, until it runs out."),
    touches=message("What the page shows now and until then leaves the circle of those who may sign in."),
    stays=message("No other page can be reached by it, and nothing can be done with it."),
    undo=message("The link can be ended at any time; who has seen the page has seen it."),
    otherwise=message("Nobody else sees the page."),
    look=page,
    target=("address",),
    fields=(
        Field("days", message("For how many days"), "number", default=f"{USUAL_DAYS:g}", is_required=True),
    ),
)

REVOKE = Act(
    name="share-revoke",
    route="DELETE /api/shares/{share_id}",
    right=Right.OPERATE,
    title=message("End the link"),
    plan=message("The link shows nothing from now on."),
    touches=message("One link, and whoever still uses it."),
    stays=message("The page, and every other link."),
    undo=message("It cannot be undone; a new link can be made."),
    otherwise=message("It shows its page until it runs out."),
    look=link,
    target=("share_id",),
    reason="query",
)

RENEW = Act(
    name="badges-renew",
    route="POST /api/badges/renew",
    right=Right.OPERATE,
    title=message("Give the badges new addresses"),
    plan=message("The badges are signed with another key; the addresses of before show nothing."),
    touches=message("Every page elsewhere that shows a badge of this project."),
    stays=message("What the badges say, and the addresses of audit rows."),
    undo=message("It cannot be undone: the old key is gone."),
    otherwise=message("The addresses go on to work for whoever has them."),
    look=badges,
)

ACTS = (SAVE, REMOVE, SHARE, REVOKE, RENEW)
