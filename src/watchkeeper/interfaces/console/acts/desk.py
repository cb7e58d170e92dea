"""Carrying acts out: shown before, asked of the API once, told of after; whoever comes second learns who was faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from fastapi import Response

from watchkeeper.domain.errors import JobNotFound, NotFound, PermissionDenied, UsageError
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.interfaces.console import login
from watchkeeper.interfaces.console.acts.act import Act, Seen
from watchkeeper.interfaces.console.acts.asking import Answer, Asked, ask
from watchkeeper.interfaces.console.acts.done import Done, forget, remember
from watchkeeper.interfaces.console.forms import read_form
from watchkeeper.interfaces.console.ground import Ground, Row, View
from watchkeeper.interfaces.console.visit import Visit

Answering = Callable[[Visit], Awaitable[View | Response]]

ROUTES = {
    ("GET", "/acts/{act}"): "show",
    ("POST", "/acts/{act}"): "carry_out",
    ("GET", "/forget"): "forget",
}
"""What is open to everybody who is known; each act asks for its own right."""

WITHOUT_A_REASON = "in the console, without a reason"
"""What the audit trail keeps of an act that can be taken back, where a person gave none."""

LOOKED_BACK = 200
"""Audit rows in which the one who was faster is looked for."""

FASTER_SHOWN = 5
GONE = "gone"
LOST_TO_OTHERS = frozenset({"conflict", "not_found", "job_not_found", "stale_lease"})
"""Refusals that come about when somebody else has acted meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that somebody wants: its target by names, the project, and where to go on afterwards."""

    act: Act
    target: dict[str, str]
    project: str
    named: str | None
    following: str


class ActDesk:
    """The acts of one installation."""

    def __init__(self, ground: Ground, acts: Mapping[str, Act]) -> None:
        self._ground = ground
        self._acts = acts

    def routes(self) -> list[tuple[str, str, Answering]]:
        return [(method, path, getattr(self, name)) for (method, path), name in ROUTES.items()]

    async def show(self, visit: Visit) -> View:
        """Show what an act would do, before it is done; changes nothing."""
        asked = dict(visit.request.query_params)
        wanted = await self._wanted(visit, asked)
        return await self._page(visit, wanted, asked, rehearsed=wanted.act.is_rehearsed)

    async def carry_out(self, visit: Visit) -> View | Response:
        """Do it, once; then lead to where the visitor came from, and tell there what was done."""
        login.demand_same_origin(visit.request)
        form = await read_form(visit.request)
        wanted = await self._wanted(visit, form)
        reason = form.get("reason", "").strip()
        if not reason and wanted.act.is_grave and wanted.act.reason != "none":
            return await self._page(visit, wanted, form, lacks_reason=True)
        seen = await self._seen_or_gone(visit, wanted)
        if seen.version != GONE and form.get("version", seen.version) != seen.version:
            return await self._faster(visit, wanted, seen, form, None)
        asked = self._asked(visit, wanted, form, reason or WITHOUT_A_REASON)
        answer = await ask(visit.request, wanted.act, asked)
        if answer.is_done:
            return await self._done(visit, wanted, seen, answer)
        return await self._refused(visit, wanted, seen, form, answer)

    async def forget(self, visit: Visit) -> Response:
        """Put away what was told of the last act."""
        response = login.go_to(login.own_path(visit.asked("next")))
        forget(response)
        return response

    async def _wanted(self, visit: Visit, said: Mapping[str, str]) -> Wanted:
        """Read which act on what is wanted; raise NotFound, PermissionDenied, and UsageError where a name lacks."""
        act = self._acts.get(visit.request.path_params["act"])
        if act is None:
            raise NotFound
        visit.known.demand(act.right)
        target = {name: said.get(name, "").strip() for name in act.target}
        if missing := [name for name, value in target.items() if not value]:
            raise UsageError(f"the address lacks {missing[0]!r}")
        target |= {name: value for name in act.filters if (value := said.get(name, "").strip())}
        following = login.own_path(said.get("next"))
        if act.of_whole:
            return Wanted(act, target, visit.known.project_id or SYSTEM_PROJECT, None, following)
        scope = await self._ground.scope_of(visit.known, said.get("project") or None)
        if scope.chosen is None:
            raise UsageError("the address lacks 'project'")
        named = scope.chosen if visit.known.project_id is None else None
        return Wanted(act, target, scope.chosen, named, following)

    async def _seen(self, visit: Visit, wanted: Wanted) -> Seen:
        return await wanted.act.look(self._ground, visit, wanted.project, wanted.target)

    async def _seen_or_gone(self, visit: Visit, wanted: Wanted) -> Seen:
        """Look at the target; what is gone meanwhile is left to the route, which says so."""
        try:
            return await self._seen(visit, wanted)
        except (NotFound, JobNotFound):
            return Seen(" ".join(wanted.target.values()), version=GONE)

    def _asked(self, visit: Visit, wanted: Wanted, form: Mapping[str, str], reason: str) -> Asked:
        body = wanted.act.body(form, wanted.target, visit)
        key = form.get("key") or uuid4().hex
        return Asked(wanted.target, body, reason, wanted.named, key[:200])

    async def _page(
        self,
        visit: Visit,
        wanted: Wanted,
        form: Mapping[str, str],
        *,
        rehearsed: bool = False,
        lacks_reason: bool = False,
        problem: Answer | None = None,
    ) -> View:
        seen = await self._seen(visit, wanted)
        now = await self._ground.now()
        if rehearsed:
            body = wanted.act.body({one.name: one.default for one in wanted.act.fields}, wanted.target, visit)
            tried = Asked(wanted.target, body, "looked at", wanted.named, is_rehearsal=True)
            answer = await ask(visit.request, wanted.act, tried)
            problem = None if answer.is_done else answer
        facts = {
            "act": wanted.act,
            "wanted": wanted,
            "seen": seen,
            "form": form,
            "key": uuid4().hex,
            "seen_at": now.isoformat(),
            "lacks_reason": lacks_reason,
            "problem": problem,
            "is_blocked": rehearsed and problem is not None,
        }
        status = 200 if rehearsed or not (lacks_reason or problem) else 422
        return View("acts/page.html", facts, now, status, is_secret=True)

    async def _done(self, visit: Visit, wanted: Wanted, seen: Seen, answer: Answer) -> View | Response:
        row = await self._row(visit, wanted, seen)
        if _secret_of(answer.body) is not None:
            # It is in this answer and nowhere else: no address leads to it again.
            facts = {"act": wanted.act, "wanted": wanted, "answer": answer.body, "row": row}
            return View("acts/secret.html", facts | {"secret": _secret_of(answer.body)}, is_secret=True)
        response = login.go_to(wanted.following)
        done = Done(
            wanted.act.name,
            _told_of(wanted.act, seen, answer)[:200],
            wanted.target,
            wanted.named,
            (row["at"] if row else await self._ground.now()).isoformat(),
            row["event"] if row else "",
            visit.known.actor,
            (row["reason"] or "")[:200] if row else "",
            seen.project or wanted.project,
        )
        remember(response, visit.request, done)
        return response

    async def _row(self, visit: Visit, wanted: Wanted, seen: Seen) -> Row | None:
        """Find the audit row of what this visitor did just now."""
        rows = await self._ground.insights.audit(seen.project or wanted.project, LOOKED_BACK)
        return next((row for row in rows if row["actor"] == visit.known.actor), None)

    async def _refused(
        self, visit: Visit, wanted: Wanted, seen: Seen, form: Mapping[str, str], answer: Answer
    ) -> View:
        if answer.code in LOST_TO_OTHERS:
            return await self._faster(visit, wanted, seen, form, answer)
        if answer.code == "permission_denied":
            raise PermissionDenied(answer.detail)
        return await self._page(visit, wanted, form, problem=answer)

    async def _faster(
        self, visit: Visit, wanted: Wanted, seen: Seen, form: Mapping[str, str], answer: Answer | None
    ) -> View:
        """Say who did what to the target since this visitor saw it, and how it is now."""
        since = _time_of(form.get("seen_at"))
        marks = seen.marks or frozenset(wanted.target.values())
        rows = [
            row
            for row in await self._ground.insights.audit(seen.project or wanted.project, LOOKED_BACK)
            if row["actor"] != visit.known.actor
            and (since is None or row["at"] > since)
            and marks & _named_in(row)
        ]
        facts = {"act": wanted.act, "wanted": wanted, "seen": seen, "rows": rows[:FASTER_SHOWN]}
        return View("acts/faster.html", facts | {"answer": answer}, status=409, is_secret=True)


def _told_of(act: Act, seen: Seen, answer: Answer) -> str:
    """Name what an act was done to, and what its answer says of it where it does."""
    return seen.name if act.tells is None else f"{seen.name}: {answer.body.get(act.tells, '')}"


def _named_in(row: Row) -> set[str]:
    """Give what an audit row names: its job, and whatever stands in its data."""
    named = {str(value) for value in (row["data"] or {}).values() if isinstance(value, str | int)}
    return named | ({str(row["job_id"])} if row["job_id"] else set())


def _time_of(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _secret_of(body: Mapping[str, Any]) -> str | None:
    """Find a secret that an answer shows this once."""
    for value in body.values():
        if isinstance(value, Mapping) and isinstance(found := value.get("secret"), str):
            return found
    return None
