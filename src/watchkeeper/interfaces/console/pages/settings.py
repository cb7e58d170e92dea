"""The settings: who you are and how you see things, who gets in, what the watchdog goes by, what waits for you."""

from __future__ import annotations

from watchkeeper.domain.principals import RIGHTS, Right
from watchkeeper.interfaces.console.choices import COMMON_ZONES, THEMES, available_zones
from watchkeeper.interfaces.console.ground import Family, Ground, Page, View
from watchkeeper.interfaces.console.login import SESSION_COOKIE
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid
from watchkeeper.settings import FIELDS

TOKENS_A_PAGE = 50
LATE_SHOWN = 100


async def me(ground: Ground, visit: Visit) -> View:
    secret = visit.request.cookies.get(SESSION_COOKIE)
    principal = visit.known
    facts = {
        "sessions": await ground.app.login_links.sessions(principal.id, secret),
        "rights": sorted(right for right in RIGHTS[principal.role] if principal.may(right)),
        "themes": THEMES,
        "common_zones": COMMON_ZONES,
        "zones": sorted(available_zones()),
    }
    return View("settings/me.html", facts)


async def tokens(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    after = as_uuid(visit.asked("after") or "")
    only = visit.known.project_id or visit.asked("project")
    rows, following = await ground.app.identity.list_tokens(only, after, TOKENS_A_PAGE)
    return View("settings/tokens.html", {"scope": scope, "tokens": rows, "next": following, "after": after})


async def policy(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    of_whole = visit.known.project_id is None
    in_force = await ground.app.watchdog.brakes.in_force(scope.project_id or "", of_whole=of_whole)
    # Who turned a switch is told to those of the whole installation alone.
    switches = [{"changed_by": None, "reason": None, **row} for row in in_force["switches"]]
    return View("settings/policy.html", {"scope": scope, **in_force, "switches": switches})


async def config(ground: Ground, visit: Visit) -> View:
    visit.known.demand_whole("the configuration")
    settings = ground.app.settings
    rows = [(name, settings.shown(name)) for name in FIELDS]
    return View("settings/config.html", {"rows": ground.redactor.redact_data(rows)})


async def windows(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    rows = await ground.app.windows.list(scope.project_id or "")
    return View("settings/windows.html", {"scope": scope, "windows": rows})


async def late(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    rows = await ground.app.late.list(scope.project_id or "", LATE_SHOWN + 1)
    facts = {"scope": scope, "items": rows[:LATE_SHOWN], "more": len(rows) > LATE_SHOWN}
    return View("settings/late.html", facts)


FAMILY = Family(
    "settings",
    pages=(
        Page("/settings", me),
        Page("/settings/tokens", tokens, Right.MANAGE_TOKENS),
        Page("/settings/policy", policy),
        Page("/settings/config", config, Right.MANAGE_POLICY),
        Page("/settings/late", late),
        Page("/settings/windows", windows),
    ),
)
