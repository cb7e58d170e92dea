"""What a person's own agent may ask of the server: reads of the tables below, and three kinds of suggestion.

Nothing else can be sent: no approval, no decision, no act has a way through here, whatever the token's role.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.suggestions import did_you_mean
from watchkeeper.services.supervision.server_link import Json, understand, unreachable


@dataclass(frozen=True)
class Listing:
    """A list that can be read page by page, and by which of its columns."""

    path: str
    filters: tuple[str, ...] = ()
    pages: bool = True


LISTS: dict[str, Listing] = {
    "jobs": Listing("/api/jobs", ("state", "kind")),
    "needs": Listing("/api/needs", pages=False),
    "jobs_ended_late": Listing("/api/reconcile", pages=False),
    "leases": Listing("/api/leases", pages=False),
    "kinds": Listing("/api/kinds"),
    "sessions": Listing("/api/sessions", ("job", "worker", "live")),
    "workers": Listing("/api/workers", pages=False),
    "incidents": Listing(
        "/api/watchdog/incidents", ("state", "unresolved", "rule", "severity", "job", "worker", "kind")
    ),
    "host_incidents": Listing("/api/host/incidents", ("unresolved",)),
    "host_packets": Listing("/api/host/packets"),
    "host_readings": Listing("/api/host/readings", pages=False),
    "repairs": Listing("/api/watchdog/repair-actions", ("state", "action")),
    "proposals": Listing("/api/proposals", ("status",)),
    "lessons": Listing("/api/lessons", ("state", "topic", "kind")),
    "alerts": Listing("/api/alerts", ("state",)),
    "channels": Listing("/api/channels", pages=False),
    "channel_kinds": Listing("/api/channels/kinds", pages=False),
    "chat_links": Listing("/api/chat/links", pages=False),
    "people_syncs": Listing("/api/people-syncs", ("unanswered",)),
    "signals": Listing("/api/signals", ("topic",)),
    "schedules": Listing("/api/schedules"),
    "projects": Listing("/api/projects"),
    "audit": Listing("/api/audit", ("event", "actor", "job")),
}

THINGS: dict[str, str] = {
    "job": "/api/jobs/{id}",
    "job_timeline": "/api/jobs/{id}/timeline",
    "job_marks": "/api/jobs/{id}/marks",
    "session": "/api/sessions/{id}",
    "session_events": "/api/sessions/{id}/events",
    "session_lines": "/api/sessions/{id}/lines",
    "worker": "/api/watchdog/workers/{id}/status",
    "incident": "/api/watchdog/incidents/{id}",
    "incident_story": "/api/watchdog/incidents/{id}/story",
    "host_packet": "/api/host/packets/{id}",
    "repair": "/api/watchdog/repair-actions/{id}",
    "proposal": "/api/proposals/{id}",
    "lesson": "/api/lessons/{id}",
    "alert": "/api/alerts/{id}",
    "alerts_of_incident": "/api/alerts/of/{id}",
    "people_sync": "/api/people-syncs/{id}",
    "signal": "/api/signals/{id}",
    "audit_row": "/api/audit/rows/{id}",
    "signal_chain": "/api/signals/{id}/chain",
}

GOING_ON = frozenset({"session_events"})

REPORTS = (
    "pulse",
    "stages",
    "d30",
    "maturity",
    "metrics",
    "indicators",
    "scores",
    "slos",
    "weekly",
    "readiness",
)
OVER_DAYS = frozenset({"metrics", "indicators", "scores"})

SUGGESTIONS: dict[str, str] = {
    "repair": "/api/watchdog/repair-actions",
    "decision": "/api/proposals",
    "lesson": "/api/lessons",
}
"""What each kind of suggestion is posted to; all three wait there for a person's word."""


class Desk:
    """The server, as one person's agent may use it. Raises what `understand` does, and ServerUnreachable."""

    def __init__(self, http: httpx2.AsyncClient, url: str, project: str | None) -> None:
        self._http = http
        self._url = url
        self._project = project

    async def queue_health(self) -> Json:
        return await self._read("/api/watchdog/queue-health", {})

    async def policy(self) -> Json:
        return await self._read("/api/policy", {})

    async def why(self, subject: str, of: str | None) -> Json:
        return await self._read(f"/api/why/{_part(subject)}", {"of": of})

    async def report(self, name: str, days: float | None) -> Json:
        _known(name, REPORTS)
        if days is not None and name not in OVER_DAYS:
            raise UsageError(f"the report {name!r} is not about a number of days", hint="Leave out days.")
        return await self._read(f"/api/reports/{name}", {"days": days})

    async def list(self, what: str, limit: int, cursor: str | None, filters: Mapping[str, Any]) -> Json:
        """Read one page of a list. Raises UsageError for a filter that it does not have."""
        listing = LISTS[_known(what, LISTS)]
        given = {name: value for name, value in filters.items() if value is not None}
        if strange := sorted(given.keys() - set(listing.filters)):
            known = ", ".join(listing.filters) or "none"
            raise UsageError(f"{what} cannot be filtered by {', '.join(strange)}", hint=f"It knows: {known}.")
        if cursor is not None and not listing.pages:
            raise UsageError(f"{what} has no further pages", hint="Leave out cursor.")
        return await self._read(listing.path, {**given, "limit": limit, "cursor": cursor})

    async def show(self, what: str, name: str, after: int | None) -> Json:
        """Read one thing; `after` is for what goes on, event by event."""
        if after is not None and what not in GOING_ON:
            raise UsageError(f"{what[:80]!r} is read at once", hint="Leave out after.")
        path = THINGS[_known(what, THINGS)].replace("{id}", _part(name))
        return await self._read(path, {"after": after})

    async def suggest(self, what: str, body: Json) -> Json:
        """Put a suggestion before people."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return await self._send("POST", SUGGESTIONS[what], {}, body, key)

    async def _read(self, path: str, query: Mapping[str, Any]) -> Json:
        return await self._send("GET", path, query, None, {})

    async def _send(
        self, method: str, path: str, query: Mapping[str, Any], body: Json | None, headers: Mapping[str, str]
    ) -> Json:
        wanted = {name: _shown(value) for name, value in query.items() if value is not None}
        if self._project is not None:
            wanted["project"] = self._project
        try:
            response = await self._http.request(
                method, self._url + path, params=wanted, json=body, headers=dict(headers)
            )
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        answer = understand(response)
        return {name: value for name, value in answer.items() if name not in {"ok", "status_code"}}


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise UsageError(f"there is no {name[:80]!r}; {did_you_mean(name, names)}", hint="Name one of them.")
    return name


def _shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _part(name: str) -> str:
    """Quote a name as one part of a path: it must not lead to another one."""
    if not name or name in {".", ".."} or "/" in name or not name.isprintable():
        raise UsageError(f"{name[:80]!a} is no name or id", hint="Take it from a list.")
    return quote(name, safe="")
