"""Every error that a caller can meet. The docstring is the message for people; `code` is what programs read.

One table maps a code to its HTTP status and to the exit code of the contract CLI; nothing else knows either.
"""

from __future__ import annotations

from typing import Any, ClassVar


class WatchkeeperError(Exception):
    """Something went wrong inside Watchkeeper."""

    code: ClassVar[str] = "internal_error"
    hint: ClassVar[str] = "Look at the server's log; report it if it returns."

    def __init__(self, message: str | None = None, *, hint: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.advice = hint or self.hint
        self.details = details
        super().__init__(self.message)


class UsageError(WatchkeeperError):
    """The request is malformed."""

    code = "usage"
    hint = "See the command's --help or docs/reference."


class InvalidContract(WatchkeeperError):
    """The result contract is not valid."""

    code = "invalid_contract"
    hint = "See docs/reference/result-contract.md for its keys."


class Unauthenticated(WatchkeeperError):
    """The token is missing, unknown, expired or revoked."""

    code = "unauthenticated"
    hint = "Set WATCHKEEPER_TOKEN to a valid token; an owner makes one with 'watchkeeper token create'."


class PermissionDenied(WatchkeeperError):
    """The token's role does not allow this."""

    code = "permission_denied"
    hint = "Ask an owner for a token of a role that may."


class JobNotFound(WatchkeeperError):
    """There is no such job here."""

    code = "job_not_found"
    hint = "Check the id and the project that the token belongs to."


class NotFound(WatchkeeperError):
    """There is no such thing here."""

    code = "not_found"
    hint = "Check the name and the project that the token belongs to."


class StaleLease(WatchkeeperError):
    """The lease is no longer yours: it ended, or another worker holds the job."""

    code = "stale_lease"
    hint = "Stop working on this job; claim again. What you produced can be handed to a person."


class MultiplePrimaryJobs(WatchkeeperError):
    """This worker already works on a job; it may hold one at a time."""

    code = "multiple_primary_jobs"
    hint = "Complete, fail or release the job that you hold before the next claim."


class GateFailed(WatchkeeperError):
    """The evidence did not pass the gate; the job is not completed."""

    code = "gate_failed"
    hint = "details.failed names every check that failed."


class ContractRejected(WatchkeeperError):
    """The artifacts do not fit the job's result contract; the job goes on running under its lease."""

    code = "contract_rejected"
    hint = "Mend what details.failed names, then complete once more."


class Paused(WatchkeeperError):
    """This is paused."""

    code = "paused"
    hint = "A supervisor resumes it."


class WorkerStopped(WatchkeeperError):
    """This worker was stopped and may not claim."""

    code = "worker_stopped"
    hint = "A supervisor looks at the reason and resumes it with 'watchkeeper workers resume'."


class Conflict(WatchkeeperError):
    """The state has changed meanwhile, or does not allow this."""

    code = "conflict"
    hint = "Read the present state and decide again."


class PreconditionFailed(WatchkeeperError):
    """This has changed since the version that you saw."""

    code = "precondition_failed"
    hint = "Read it again: the header ETag of that answer is its version now."


class OwnLease(WatchkeeperError):
    """This job belongs to the own queue: its lease is not reported, it is held."""

    code = "own_lease"
    hint = "Use the contract's commands, or those of 'watchkeeper jobs'; only jobs of a foreign queue are reported."


class RateLimited(WatchkeeperError):
    """Too many requests."""

    code = "rate_limited"
    hint = "Wait as long as Retry-After says."


class DatabaseUnavailable(WatchkeeperError):
    """The database cannot be reached."""

    code = "database_unavailable"
    hint = "Nothing is lost; try again when it is back."


class ServerUnreachable(WatchkeeperError):
    """The Watchkeeper server cannot be reached."""

    code = "server_unreachable"
    hint = "Check WATCHKEEPER_URL and that 'watchkeeper serve' runs."


class SettingError(WatchkeeperError):
    """A setting is not valid."""

    code = "usage"
    hint = "See docs/reference/settings.md."


HTTP_STATUS: dict[str, int] = {
    "usage": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "job_not_found": 404,
    "not_found": 404,
    "stale_lease": 409,
    "multiple_primary_jobs": 409,
    "paused": 409,
    "worker_stopped": 409,
    "conflict": 409,
    "own_lease": 409,
    "precondition_failed": 412,
    "invalid_contract": 422,
    "gate_failed": 422,
    "contract_rejected": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "database_unavailable": 503,
}

EXIT_CODE: dict[str, int] = {
    "usage": 2,
    "invalid_contract": 2,
    "unauthenticated": 3,
    "permission_denied": 3,
    "job_not_found": 3,
    "not_found": 3,
    "stale_lease": 3,
    "multiple_primary_jobs": 3,
    "gate_failed": 3,
    "contract_rejected": 3,
    "paused": 3,
    "worker_stopped": 3,
    "conflict": 3,
    "own_lease": 3,
    "precondition_failed": 3,
    "rate_limited": 3,
    "queued": 4,
    "server_unreachable": 4,
    "database_unavailable": 5,
    "internal_error": 5,
}
