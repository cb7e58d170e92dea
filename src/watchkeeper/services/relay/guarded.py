"""What a guarded helper is told at the start, and the parts that every heartbeat and every relayed command needs."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.domain.errors import SettingError, UsageError
from watchkeeper.domain.evidence import PENDING_MARKERS
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.known_values import secret_variables
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.fetch import FetchConfig
from watchkeeper.services.known_secrets import secrets_of_home
from watchkeeper.services.relay.calls import HelperCalls
from watchkeeper.services.relay.checking import OutsideGate
from watchkeeper.services.relay.guard import Guarded
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.relay.reports import Reports
from watchkeeper.services.relay.telling import Telling
from watchkeeper.services.supervision.server_link import ServerLink

LOCK_SECONDS = 30.0
REPORT_SECONDS = 2.0
"""How long a relayed command waits for our server at most; what it could not send is sent later."""


@dataclass(frozen=True, kw_only=True)
class HelperGuard:
    """One guarded helper. `helper` is its command line; `token` None keeps all reports on this machine."""

    helper: str
    home: Path
    worker_id: str
    url: str
    token: str | None = field(default=None, repr=False)
    config: HelperConfig = field(default_factory=HelperConfig)
    fetch: FetchConfig = field(default_factory=FetchConfig)
    http_statuses: tuple[int, ...] = (200,)
    markers: tuple[str, ...] = PENDING_MARKERS
    report_seconds: float = REPORT_SECONDS

    @property
    def words(self) -> Sequence[str]:
        """Give the helper's command line as words; raises UsageError where it is none."""
        try:
            words = shlex.split(self.helper)
        except ValueError as error:
            raise UsageError(f"--helper is no command line: {error}") from None
        if not words:
            raise UsageError("--helper is empty", hint="Name the helper's program.")
        return words

    def check_program(self) -> None:
        """Raise UsageError where the helper's program cannot be started: better now than in a heartbeat."""
        program = self.words[0]
        if shutil.which(program) is None:
            why = "it may not be executed" if Path(program).exists() else "there is no such program"
            raise UsageError(f"the helper {program!r} cannot be started: {why}")


@contextmanager
def parts_of(guard: HelperGuard) -> Iterator[tuple[Guarded, Reports]]:
    """Hold the helper's place and give the parts; raises Conflict while another process guards it."""
    place = HelperPlace(guard.home, guard.words, guard.worker_id)
    try:
        guard.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"the home {guard.home} cannot be made: {error.strerror}") from error
    secrets = [*secret_variables(os.environ).values(), *secrets_of_home(guard.home)]
    redactor = Redactor([value for value in (*secrets, guard.token) if value])
    link = None if guard.token is None else ServerLink(guard.url, guard.token)
    with place.taken(LOCK_SECONDS):
        reports = Reports(place, link)
        telling = Telling(reports, redactor, guard.worker_id)
        gate = OutsideGate(guard.fetch, guard.http_statuses, guard.markers)
        calls = HelperCalls(guard.words, guard.config, place)
        yield Guarded(guard.config, place, calls, gate, redactor, telling, guard.worker_id), reports


async def hear_server(means: Guarded, reports: Reports, memory: Memory, seconds: float) -> None:
    """Learn whether our server has stopped this worker, or a supervisor has resumed it; asks where it is stopped."""
    if memory.stopped is not None:
        means.telling.beat(None, "stopped")
        await reports.deliver(seconds)
    if reports.wishes is not None and isinstance(stopped := reports.wishes.get("stopped"), bool):
        memory.hear(stopped, str(reports.wishes.get("stop_reason") or "stopped by the server"))
    means.place.keep_memory(memory)
