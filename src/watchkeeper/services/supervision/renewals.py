"""Renews every lease of the supervisor from a thread with a connection of its own, so that nothing can starve it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.server_link import Refused, timeouts, understand, unreachable

LONGEST_REQUEST_SECONDS = 10.0


@dataclass(eq=False)
class LeaseHold:
    """One lease in this process's hands; times are of the boot clock.

    `progress_age`: for how many seconds the job had not moved at the last renewal; None before the first.
    `vouch` is asked before each renewal, in the renewing thread: a lease whose agent is gone is left to expire.
    `on_renewed` is called there after each, and must neither block nor raise.
    """

    job: str
    epoch: int
    token: str = field(repr=False)
    seconds: float
    confirmed_at: float
    vouch: Callable[[], bool]
    on_renewed: Callable[[], None] = lambda: None
    asked_at: float = 0.0
    progress_age: float | None = None
    told: bool = False

    @property
    def due_at(self) -> float:
        return max(self.asked_at, self.confirmed_at) + self.seconds / 4

    @property
    def ends_at(self) -> float:
        """Give when nobody may count on this lease any more, as far as this process knows."""
        return self.confirmed_at + self.seconds


@dataclass(frozen=True)
class RenewalEvents:
    """What the renewing thread tells; each is called in that thread."""

    on_lost: Callable[[LeaseHold], None]
    on_cancel: Callable[[LeaseHold], None]
    on_unconfirmed: Callable[[LeaseHold], None]
    on_outage: Callable[[str | None], None]
    on_requests: Callable[[list[dict[str, Any]]], None] = lambda _: None


class Renewals:
    """The leases of a supervisor and the thread that keeps them."""

    def __init__(self, url: str, token: str, worker_id: str, events: RenewalEvents) -> None:
        self._url = url.rstrip("/")
        self._worker_id = worker_id
        self._events = events
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._client = httpx2.Client(headers=headers, trust_env=False)
        self._holds: dict[int, LeaseHold] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="watchkeeper-renewals", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; blocks until a request under way is over."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._client.close()

    def add(self, hold: LeaseHold) -> None:
        with self._lock:
            self._holds[id(hold)] = hold
        self._wake.set()

    def drop(self, hold: LeaseHold) -> None:
        with self._lock:
            self._holds.pop(id(hold), None)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._pause())
            self._wake.clear()
            if not self._stopping and self._pause() == 0:
                self.run_once()

    def _pause(self) -> float | None:
        """Give how long nothing is due; None for ever."""
        with self._lock:
            due = [
                min(hold.due_at, hold.due_at if hold.told else hold.ends_at) for hold in self._holds.values()
            ]
        return max(0.0, min(due) - boot_clock()) if due else None

    def run_once(self) -> None:
        """Renew all leases that are vouched for, in one request; an outage is told, not raised."""
        with self._lock:
            holds = list(self._holds.values())
        for hold in holds:
            hold.asked_at = boot_clock()
        # A job may be held twice for a moment: claimed again while its former attempt's end is under way.
        newest = {hold.job: hold for hold in sorted(holds, key=lambda hold: hold.epoch)}
        wanted = [hold for hold in newest.values() if _is_vouched_for(hold)]
        if wanted:
            try:
                self._ask(wanted)
            except Exception as error:  # noqa: BLE001 - whatever it is, the leases are unconfirmed, and this thread must live
                self._events.on_outage(f"{type(error).__name__}: {error}")
        for hold in holds:
            if boot_clock() >= hold.ends_at and not hold.told:
                hold.told = True
                self._events.on_unconfirmed(hold)

    def _ask(self, wanted: list[LeaseHold]) -> None:
        sent_at = boot_clock()
        patience = min(LONGEST_REQUEST_SECONDS, *(hold.seconds / 4 for hold in wanted))
        leases = [{"job": hold.job, "token": hold.token} for hold in wanted]
        try:
            answer = self._post("renew", {"worker_id": self._worker_id, "leases": leases}, patience)
        except (ServerUnreachable, Refused) as error:
            self._events.on_outage(error.message)
            return
        self._take_in(wanted, answer, sent_at)
        self._events.on_outage(None)
        if asked := answer.get("session_requests"):
            self._events.on_requests(asked)
        if answer.get("touch_requested"):
            self._touch(patience)

    def _take_in(self, wanted: list[LeaseHold], answer: dict[str, Any], sent_at: float) -> None:
        renewed = {item["job"]: item for item in answer.get("renewed", ())}
        lost, cancelled = set(answer.get("lost", ())), set(answer.get("cancel_requested", ()))
        with self._lock:
            kept = [hold for hold in wanted if id(hold) in self._holds]
        for hold in kept:
            if hold.job in renewed:
                hold.confirmed_at, hold.told = sent_at, False
                hold.progress_age = renewed[hold.job].get("progress_age_seconds")
                hold.on_renewed()
                if hold.job in cancelled:
                    self._events.on_cancel(hold)
            elif hold.job in lost:
                self._events.on_lost(hold)

    def _touch(self, patience: float) -> None:
        try:
            self._post("touch", {"worker_id": self._worker_id}, patience)
        except (ServerUnreachable, Refused) as error:
            self._events.on_outage(error.message)

    def _post(self, command: str, body: dict[str, Any], patience: float) -> dict[str, Any]:
        try:
            response = self._client.post(
                f"{self._url}/api/worker/{command}", content=json.dumps(body), timeout=timeouts(patience)
            )
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        return understand(response)


def _is_vouched_for(hold: LeaseHold) -> bool:
    """Say whether the hold's agent is there; where that cannot be told, this lease waits and the others do not."""
    try:
        return hold.vouch()
    except Exception as error:  # noqa: BLE001 - one agent that cannot be looked at must not cost the others their leases
        log("renewal_failed", job=hold.job, detail=f"{type(error).__name__}: {error}")
        return False
