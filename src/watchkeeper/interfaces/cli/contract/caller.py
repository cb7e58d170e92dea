"""Who calls: the surroundings, server and arguments of one command, and its two ways to ask the server."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.contract.answers import Json, Reply
from watchkeeper.interfaces.cli.contract.arguments import Parsed
from watchkeeper.interfaces.cli.contract.environment import Environment
from watchkeeper.interfaces.cli.contract.leases import LeaseStore
from watchkeeper.interfaces.cli.contract.server import PATIENT, Body, Patience, Server, Tokens
from watchkeeper.interfaces.cli.contract.texts import Texts


class Caller(NamedTuple):
    """Who calls what: the surroundings, the server, the arguments."""

    environment: Environment
    server: Server
    parsed: Parsed
    texts: Texts

    @property
    def job(self) -> str:
        """The JOB argument; `.` is the job of this session."""
        given = self.parsed.values[0]
        job = self.environment.job_id if given == "." else given
        if job is None:
            raise UsageError("JOB is '.', but WATCHKEEPER_JOB_ID is not set", hint="Name the job by its id.")
        if not job or job == ".." or len(job) > 500:
            raise UsageError(f"{job[:80]!r} is no job id")
        return job

    @property
    def leases(self) -> LeaseStore | None:
        """This worker's leases; None where no state can be kept."""
        if self.environment.home is None:
            return None
        return LeaseStore(self.environment.state, self.environment.worker_id)

    @property
    def tokens(self) -> Tokens:
        """The tokens for the JOB argument. A job token needs no lease: none is sent where none is kept."""
        leases = self.leases
        return Tokens(self.environment.token, leases.token(self.job) if leases else None)

    def on_job(self, verb: str, body: Json | None, patience: Patience = PATIENT) -> Reply:
        path = f"/api/worker/jobs/{quote(self.job, safe='')}/{verb}"
        return self.server.ask(path, None if body is None else Body.of_json(body), self.tokens, patience)

    def as_worker(self, verb: str, body: Json, patience: Patience = PATIENT) -> Reply:
        body = {"worker_id": self.environment.worker_id, **body}
        return self.server.ask(
            f"/api/worker/{verb}", Body.of_json(body), Tokens(self.environment.token), patience
        )
