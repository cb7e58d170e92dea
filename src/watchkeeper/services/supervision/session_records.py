"""Tells the server what sessions do, from a thread of its own: a session never waits for its record.

What cannot be told waits in bounded room; what finds none there is left out and counted, and the record says how much.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.logs import log
from watchkeeper.services.supervision.server_link import Refused, job_path, timeouts, understand, unreachable
from watchkeeper.services.supervision.session_log import ServerLog

TICK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_WORDS_SECONDS = 5.0
REQUEST_SECONDS = 10.0


class ServerRecords:
    """The records of a supervisor's sessions, and the thread that tells them.

    Of a session that the server cannot know of yet, by `is_known`, nothing is told before it does. `on_requests` gets
    what its answers ask of a session, in that thread.
    """

    def __init__(
        self,
        url: str,
        token: str,
        tick_seconds: float = TICK_SECONDS,
        transport: httpx2.BaseTransport | None = None,
        is_known: Callable[[ServerLog], bool] = lambda _: True,
        on_requests: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    ) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._client = httpx2.Client(headers=headers, trust_env=False, transport=transport)
        self._tick_seconds = tick_seconds
        self._is_known, self._on_requests = is_known, on_requests
        self._logs: list[ServerLog] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._pause = tick_seconds
        self._thread = threading.Thread(target=self._run, name="watchkeeper-session-records", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tell what is left, for a few seconds at most, and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        deadline = time.monotonic() + LAST_WORDS_SECONDS
        while self.run_once() and self._logs_left() and time.monotonic() < deadline:
            continue
        self._client.close()

    def begin(self, job: Mapping[str, Any], lease: str, facts: Mapping[str, Any]) -> ServerLog:
        """Begin the record of an attempt's session, or go on with one that an earlier supervisor began."""
        made = ServerLog(str(job["id"]), lease, facts)
        with self._lock:
            self._logs.append(made)
        return made

    def run_once(self) -> bool:
        """Tell what waits; False where the server is away, or cannot know of a session yet."""
        with self._lock:
            logs = list(self._logs)
        known = [one for one in logs if self._is_known(one)]
        try:
            for one in known:
                self._tell(one)
        except ServerUnreachable:
            return False
        finally:
            with self._lock:
                self._logs = [one for one in self._logs if not one.is_done]
        return known == logs

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                is_there = self.run_once()
            except Exception as error:  # noqa: BLE001 - records are not worth a session: this thread must live
                log("session_record_failed", detail=f"{type(error).__name__}: {error}")
                is_there = False
            self._pause = self._tick_seconds if is_there else min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _logs_left(self) -> bool:
        with self._lock:
            return any(one.batch(time.time()) is not None for one in self._logs)

    def _tell(self, one: ServerLog) -> None:
        self._tell_standing(one)
        while not one.is_refused and (batch := one.batch(time.time())) is not None:
            self._post(one, "session/events", batch)
            one.was_kept()
            self._tell_standing(one)

    def _tell_standing(self, one: ServerLog) -> None:
        now = time.time()
        if one.is_refused or (word := one.word(now)) is None:
            return
        try:
            answer = self._post(one, "session", word)
        except ServerUnreachable:
            one.was_not_told()
            raise
        if answer is not None:
            one.was_told(now, word, answer)
            if asked := answer.get("session_requests"):
                self._on_requests(asked)

    def _post(self, one: ServerLog, what: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Tell; None where the server refuses it for good. Raises ServerUnreachable where it may take it later."""
        path = job_path(one.job, what)
        try:
            response = self._client.post(
                f"{self._url}{path}",
                content=json.dumps(body, default=str),
                headers={"Watchkeeper-Lease": one.lease},
                timeout=timeouts(REQUEST_SECONDS),
            )
            return understand(response)
        except httpx2.HTTPError as error:
            raise unreachable(self._url, error) from error
        except Refused as refused:
            if not refused.definite:
                raise ServerUnreachable(refused.message) from refused
            one.is_refused = refused.status in (404, 409)
            log("session_record_refused", job=one.job, code=refused.refusal, detail=refused.message)
            return None
