"""What a foreign helper's output says: the JSON in it, and what that means for the command that was run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from watchkeeper.domain.artifacts import normalise_kind
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.json_in_text import at, read_time, spans_of_objects

MAX_JOB_ID = 200
MAX_COMPLAINT = 300
_FETCH_FAILED = re.compile(r"TypeError:\s*fetch failed|\bfetch failed\b", re.IGNORECASE)
_SERVER_FAULT = re.compile(r"\b500\b[^\n]{0,40}(?:internal|server error)", re.IGNORECASE)
_MISSING_KIND = re.compile(
    r"\bkinds?\b[^a-z\n]{1,4}([a-z_]+)"
    r"|\brequires an? ([a-z_]+)"
    r"|\bmissing[^a-z\n]{1,4}([a-z_]+)"
    r"|\b([a-z_]+) (?:is|are) missing",
    re.IGNORECASE,
)
_ABOUT_KINDS = re.compile(
    r"(?:missing|requires?)[^\n]{0,200}kind|kind[^\n]{0,200}(?:missing|requires?)", re.IGNORECASE
)
_LOCAL_ONLY = re.compile(r"pls_file|local[-_ ]only", re.IGNORECASE)
_GONE = re.compile(r"\bjob\b[^\n]{0,80}\bnot[ _]found\b", re.IGNORECASE)
_COMPLETED = frozenset({"completed", "complete", "done"})
_MUST_NOT_BE_FALSE = {"doctor": ("token_present", "touch_ok"), "touch": ("touched",)}


class Outcome(StrEnum):
    """What became of one run of a command. The first four are the wire's fault, and may be tried again."""

    FETCH_FAILED = "fetch_failed"
    SILENT = "silent"
    NO_JSON = "no_json"
    HUNG = "hung"
    OK = "ok"
    QUEUED = "queued"
    NOT_FOUND = "not_found"
    LEASE_LOST = "lease_lost"
    REJECTED = "rejected"
    NOT_STARTED = "not_started"
    REFUSED = "refused"


_CODES = {
    Outcome.NOT_FOUND: "job_not_found",
    Outcome.LEASE_LOST: "stale_lease",
    Outcome.REJECTED: "contract_rejected",
}
OF_THE_WIRE = frozenset({Outcome.FETCH_FAILED, Outcome.SILENT, Outcome.NO_JSON, Outcome.HUNG})


@dataclass(frozen=True, slots=True)
class HelperRun:
    """One run of a helper's command as it ended.

    `exit_code` None: it had to be ended. `stdout` and `stderr` are raw. `start_error`: why it never ran.
    """

    command: str
    exit_code: int | None
    stdout: str
    stderr: str = ""
    was_ended: bool = False
    start_error: str = ""


@dataclass(frozen=True, slots=True)
class HelperJob:
    """A job as the helper handed it out; `record` is its object as it stood."""

    id: str
    kind: str | None = None
    deliverable_id: str | None = None
    lease_expires_at: datetime | None = None
    contract: Any = None
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one run means. `jobs` are all that its objects name, each once; `state` is the job's, as told.

    `claims_success`: it says that the job is completed, though the command failed. `complaint`: what a refusal says
    of its reason, or its last line.
    """

    outcome: Outcome
    jobs: tuple[HelperJob, ...] = ()
    state: str | None = None
    deliverable_id: str | None = None
    lease_expires_at: datetime | None = None
    missing_kinds: tuple[str, ...] = ()
    is_local_only: bool = False
    claims_success: bool = False
    exposes_secret: bool = False
    error_code: str | None = None
    complaint: str = ""
    answer: Mapping[str, Any] | None = None

    @property
    def failed_on_the_wire(self) -> bool:
        return self.outcome in OF_THE_WIRE

    @property
    def is_ok(self) -> bool:
        return self.outcome is Outcome.OK

    @property
    def handed_out(self) -> tuple[HelperJob, ...]:
        """Give the jobs of a good answer: one that is no yes hands out none, whatever it names."""
        return self.jobs if self.is_ok else ()

    @property
    def why(self) -> str:
        """Give in words why it is no yes."""
        code = self.error_code or self.outcome.value
        return f"{code}: {self.complaint}" if self.complaint else code

    @property
    def says_completed(self) -> bool:
        return (self.state or "").lower() in _COMPLETED


class HelperAnswers:
    """Reads one helper's answers by its config."""

    def __init__(self, config: HelperConfig) -> None:
        self._config = config

    def value(self, answer: Any, name: str) -> Any:
        """Give what an answer holds under one of our names; None where it holds nothing."""
        found = (at(answer, path) for path in self._config.paths(name))
        return next((value for value in found if value is not None), None)

    def read(self, run: HelperRun) -> Reply:
        """Say what a run means. What is not known to be good is not good."""
        if run.start_error:
            return Reply(Outcome.NOT_STARTED, error_code="not_started", complaint=run.start_error)
        objects = [found for _, _, found in spans_of_objects(run.stdout)]
        if not objects:
            outcome = self._without_json(run)
            return Reply(outcome, error_code=outcome.value, complaint=_last_line(run))
        answer = objects[-1]
        jobs = self._jobs(objects if run.command == "claim" else [answer])
        state = _text(self.value(answer, "job_state"))
        outcome = self._outcome(run, answer)
        reply = Reply(
            outcome,
            jobs=jobs,
            state=state,
            deliverable_id=_text(self.value(answer, "deliverable_id")),
            lease_expires_at=read_time(self.value(answer, "lease_expires_at")),
            error_code=_error_code(outcome, self._code(answer)),
            answer=answer,
        )
        if outcome is Outcome.OK:
            return reply
        return Reply(
            **{name: getattr(reply, name) for name in _KEPT},
            complaint=_told(answer) or _last_line(run),
            missing_kinds=self._missing_kinds(answer, run),
            is_local_only=_LOCAL_ONLY.search(self._complaint(answer)) is not None,
            claims_success=run.command == "complete"
            and reply.says_completed
            and not reply.failed_on_the_wire,
        )

    def without_secrets(self, data: Any) -> Any:
        """Give an answer without the values that only its caller may have: they are no exposure, and not kept."""
        if isinstance(data, Mapping):
            return {
                key: "[redacted:lease_token]"
                if key in self._config.secret_fields
                else self.without_secrets(value)
                for key, value in data.items()
            }
        return [self.without_secrets(item) for item in data] if isinstance(data, list) else data

    def _without_json(self, run: HelperRun) -> Outcome:
        if _is_fetch_failure(f"{run.stdout}\n{run.stderr}"):
            return Outcome.FETCH_FAILED
        return Outcome.SILENT if run.was_ended else Outcome.NO_JSON

    def _outcome(self, run: HelperRun, answer: Mapping[str, Any]) -> Outcome:
        denied = any(self.value(answer, name) is False for name in _MUST_NOT_BE_FALSE.get(run.command, ()))
        is_good = self.value(answer, "ok") is True and not denied
        if is_good and run.exit_code == 0:
            return Outcome.OK
        if is_good and run.was_ended:
            # It said all and did not end: a claim is a claim; what a completion came to is not known.
            return Outcome.HUNG if run.command == "complete" else Outcome.OK
        code, complaint = (self._code(answer) or "").lower(), self._complaint(answer)
        status = self.value(answer, "error_status")
        if code == "queued":
            return Outcome.QUEUED
        is_gone = code == "job_not_found" or (status == 404 and run.command != "claim")
        if is_gone or _GONE.search(complaint):
            return Outcome.NOT_FOUND
        if code in {"stale_lease", "lease_lost", "lease_expired"}:
            return Outcome.LEASE_LOST
        if run.command == "complete" and (self._missing_kinds(answer, run) or _LOCAL_ONLY.search(complaint)):
            return Outcome.REJECTED
        if code == "contract_rejected":
            return Outcome.REJECTED
        is_fault = status == 500 or code in {"internal_error", "server_unreachable", "database_unavailable"}
        if is_fault or _is_fetch_failure(f"{complaint}\n{run.stderr}"):
            return Outcome.FETCH_FAILED
        return Outcome.REFUSED

    def _jobs(self, objects: list[dict[str, Any]]) -> tuple[HelperJob, ...]:
        good = (answer for answer in objects if self.value(answer, "ok") is not False)
        found = (job for answer in good for job in self._jobs_of(answer))
        return tuple({job.id: job for job in found}.values())

    def _jobs_of(self, answer: Mapping[str, Any]) -> Iterator[HelperJob]:
        several = answer.get("jobs")
        for entry in several if isinstance(several, list) else ():
            yield from self._jobs_of({**answer, "jobs": None, "job": entry})
        identity = self.value(answer, "job_id")
        if not isinstance(identity, str | int) or isinstance(identity, bool) or not str(identity).strip():
            return
        record = self.value(answer, "job")
        yield HelperJob(
            str(identity).strip()[:MAX_JOB_ID],
            _text(self.value(answer, "job_kind")),
            _text(self.value(answer, "deliverable_id")),
            read_time(self.value(answer, "lease_expires_at")),
            self.value(answer, "contract"),
            record if isinstance(record, Mapping) else answer,
        )

    def _code(self, answer: Mapping[str, Any]) -> str | None:
        return _text(self.value(answer, "error_code"))

    def _complaint(self, answer: Mapping[str, Any]) -> str:
        """Give what an answer says went wrong: not what it repeats of the request."""
        told = [answer.get(name) for name in ("error", "message", "detail", "reason")]
        told += [self.value(answer, name) for name in ("failed_checks", "error_code")]
        return "\n".join(json.dumps(part, ensure_ascii=False) for part in told if part is not None)

    def _missing_kinds(self, answer: Mapping[str, Any], run: HelperRun) -> tuple[str, ...]:
        if run.command != "complete":
            return ()
        given = self.value(answer, "missing_kinds")
        named = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        complaint = self._complaint(answer)
        if not named and _ABOUT_KINDS.search(complaint):
            named = [next(filter(None, match.groups())) for match in _MISSING_KIND.finditer(complaint)]
        return tuple(dict.fromkeys(kind for word in named if (kind := _known_kind(word)) is not None))


_KEPT = ("outcome", "jobs", "state", "deliverable_id", "lease_expires_at", "error_code", "answer")


def _error_code(outcome: Outcome, said: str | None) -> str | None:
    """Give the code by which rules know an outcome, in the words of our own contract where it has one."""
    if outcome is Outcome.OK:
        return None
    if outcome is Outcome.REFUSED and said is not None:
        return said[:100]
    return _CODES.get(outcome, outcome.value)


def _told(answer: Mapping[str, Any]) -> str:
    error = answer.get("error")
    told = [error.get("message") if isinstance(error, Mapping) else error]
    told += [answer.get(name) for name in ("message", "detail", "reason")]
    return next((text[:MAX_COMPLAINT] for part in told if (text := _text(part))), "")


def _last_line(run: HelperRun) -> str:
    lines = f"{run.stdout}\n{run.stderr}".split("\n")
    return next((line.strip()[:MAX_COMPLAINT] for line in reversed(lines) if line.strip()), "")


def _is_fetch_failure(text: str) -> bool:
    return _FETCH_FAILED.search(text) is not None or _SERVER_FAULT.search(text) is not None


def _known_kind(word: Any) -> str | None:
    try:
        return normalise_kind(word).value
    except UsageError:
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, str) and value.strip():
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
