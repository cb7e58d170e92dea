"""Whatever befalls incidents, with two recorders at once: one is open, counts add up, and what is over stays so."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from moving_clock import MovingClock
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.incident_record import Recorded, record_finding, record_findings
from watchkeeper.services.incidents import Closed, IncidentKey, Passed
from watchkeeper.settings import Settings

T = TypeVar("T")
RULE = RuleName.FETCH_FAILED
CLOCKLESS = datetime(2026, 1, 1, tzinfo=UTC)
PLAY = how(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
SUBJECTS = st.sampled_from(["a", "b"])
READ = """
SELECT id, state, occurrences, recurrence_of, evidence_ref FROM watchkeeper.watchdog_incidents
 WHERE project_id = %s AND fingerprint = %s ORDER BY opened_at, id
"""


@dataclass
class Told:
    """What the model knows of one subject: its open incident and count, and those that are over, with their counts."""

    open: UUID | None = None
    count: int = 0
    last_ref: str | None = None
    over: dict[UUID, int] = field(default_factory=dict)
    last_over: UUID | None = None


class Lives(RuleBasedStateMachine):
    """One example is one project of a shared database."""

    app: ClassVar[App]
    url: ClassVar[str]
    runner: ClassVar[asyncio.Runner]
    reading: ClassVar[psycopg.Connection]

    def __init__(self) -> None:
        super().__init__()
        self.project = f"p{uuid4().hex[:12]}"
        self.told = {name: Told() for name in "ab"}
        self.refs = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _finding(self, name: str, ref: str | None) -> Finding:
        row = await self.app.database.fetch_row("clock")
        return Finding(self.project, RULE, (name,), row["now"], "test", {"n": ref}, ref, worker_id=name)

    async def _found(self, findings: list[Finding], *, is_edge: bool) -> list[Recorded]:
        async with self.app.database.transaction() as connection:
            if is_edge:
                made = [await record_finding(connection, each, Policy()) for each in findings]
                return [each for each in made if each is not None]
            return await record_findings(connection, findings, Policy())

    async def _both(self, one: list[Finding], other: list[Finding], *, is_edge: bool) -> list[Recorded]:
        first, second = await asyncio.gather(
            self._found(one, is_edge=is_edge), self._found(other, is_edge=is_edge)
        )
        return [*first, *second]

    @rule(name=SUBJECTS)
    def happens_twice_at_once(self, name: str) -> None:
        finding = self.do(self._finding(name, None))
        made = self.do(self._both([finding], [finding], is_edge=True))
        self._learn(name, made, times=2)

    @rule()
    def is_seen_by_two_watchdogs(self) -> None:
        """Both see both subjects, each in its own order: neither waits for the other for ever."""
        self.refs += 1
        findings = [self.do(self._finding(name, f"row:{self.refs}")) for name in "ab"]
        made = self.do(self._both(findings, findings[::-1], is_edge=False))
        for name in "ab":
            mine = {each.id for each in made if each.fingerprint == self._print(name)}
            self._learn(name, [each for each in made if each.id in mine], times=1)
            self.told[name].last_ref = f"row:{self.refs}"

    @rule(name=SUBJECTS)
    def is_seen_again(self, name: str) -> None:
        told = self.told[name]
        if told.open is not None and told.last_ref is not None:
            self._learn(name, self.do(self._again(name, told.last_ref)), times=0)

    async def _again(self, name: str, ref: str) -> list[Recorded]:
        finding = await self._finding(name, ref)
        return await self._found([finding], is_edge=False)

    @rule(name=SUBJECTS, by_two=st.booleans())
    def is_closed(self, name: str, by_two: bool) -> None:
        told = self.told[name]
        if told.open is None:
            return
        closers = [self._close(told.open) for _ in range(2 if by_two else 1)]
        ended = self.do(_gathered(closers))
        assert ended.count(Closed.CLOSED) <= 1
        if Closed.CLOSED in ended:
            self._is_over(told)
        else:
            assert Closed.HOLDING in ended

    async def _close(self, incident: UUID) -> Closed:
        async with self.app.database.transaction() as connection:
            key = IncidentKey(self.project, incident, RULE)
            return await self.app.watchdog.incidents.close(
                connection, key, Passed({"command": "ok"}), Policy()
            )

    @rule(name=SUBJECTS, quiet=st.booleans())
    def a_person_has_a_word(self, name: str, quiet: bool) -> None:
        told = self.told[name]
        incident = told.open or told.last_over
        if incident is None:
            return
        incidents = self.app.watchdog.incidents
        until = timedelta(minutes=30)
        act = (
            incidents.quiet(self.project, incident, actor="t", reason="r", until=until)
            if quiet
            else incidents.acknowledge(self.project, incident, actor="t", note="n", until=until)
        )
        try:
            self.do(act)
        except Conflict:
            assert told.open is None
        else:
            assert told.open is not None

    @rule(seconds=st.sampled_from([1, 60, 700, 2_000, 8 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        MovingClock(self.url, self.reading).advance(seconds)
        self.do(self.app.watchdog.incidents.keep_time())
        for name, told in self.told.items():
            state = {row[0]: row[1] for row in self._rows(name)}
            if told.open is not None and state[told.open] == "resolved":
                self._is_over(told)  # it had flapped, and passed long enough

    def _learn(self, name: str, made: list[Recorded], times: int) -> None:
        told = self.told[name]
        [incident] = {each.id for each in made}
        assert sum(each.opened for each in made) == (told.open is None)
        assert incident not in told.over
        told.count = times if told.open is None else told.count + times
        told.open = incident

    def _is_over(self, told: Told) -> None:
        assert told.open is not None
        told.over[told.open] = told.count
        told.last_over, told.open, told.count, told.last_ref = told.open, None, 0, None

    def _print(self, name: str) -> str:
        return Finding(self.project, RULE, (name,), CLOCKLESS, "").fingerprint

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return self.reading.execute(READ, (self.project, self._print(name))).fetchall()

    @invariant()
    def one_is_open_and_counts_add_up(self) -> None:
        for name, told in self.told.items():
            rows = self._rows(name)
            unresolved = [row for row in rows if row[1] != "resolved"]
            assert [row[0] for row in unresolved] == ([told.open] if told.open else [])
            counts = {row[0]: row[2] for row in rows}
            assert counts == told.over | ({told.open: told.count} if told.open else {})
            before: list[UUID] = []
            for row in rows:
                assert row[3] is None or row[3] == before[-1]
                before.append(row[0])


async def _gathered(works: list[Coroutine[Any, Any, T]]) -> list[T]:
    return await asyncio.gather(*works)


def test_no_order_of_steps_breaks_an_incident(database_url: str, settings: Settings) -> None:
    """Two recorders, closers and people at once: never two open of one trouble, no finding lost, nothing reopened."""
    with asyncio.Runner() as runner, psycopg.connect(database_url, autocommit=True) as reading:
        app = root.build(settings)
        Lives.app, Lives.url, Lives.runner, Lives.reading = app, database_url, runner, reading
        runner.run(app.database.open())
        try:
            run_state_machine_as_test(Lives, settings=PLAY)
        finally:
            runner.run(app.database.close())
