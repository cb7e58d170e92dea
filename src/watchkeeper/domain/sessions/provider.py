"""What the provider of the model refuses: requests that are tried again and again (F04), and limits (F06)."""

from __future__ import annotations

from watchkeeper.domain.sessions.course import Course, Rung, rising
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import Trouble, TurnEnded
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.record import SessionRecord
from watchkeeper.domain.sessions.silence import quiet_mid_turn

PARKED = frozenset({Trouble.UNREACHABLE, Trouble.RATE_LIMIT, Trouble.USAGE_LIMIT, Trouble.AUTH})
"""What no restart helps against: the session is kept, and tried again later."""

POISONED = frozenset({Trouble.CONTEXT_OVERFLOW, Trouble.BAD_REQUEST})
"""What a resumed thread would meet again: resuming is unsafe."""

PROVIDER = PARKED | POISONED | {Trouble.OVERLOADED, Trouble.SERVER_ERROR, Trouble.NETWORK}

LEAST_RETRIES = 2
LEAST_PARK_SECONDS = 60.0
MOST_PARK_SECONDS = 31 * 86_400.0


def retry_loop(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F04: only retries; a request that was given up ends the same way."""
    ended = _given_up(record)
    if ended is not None:
        at, trouble, text = ended
        action = Action.RETRY
        if trouble in PARKED:
            action = Action.PARK
        elif trouble in POISONED and record.had_begun:
            action = Action.FRESH_SESSION
        until = at + limits.retries_act_seconds if trouble in PARKED else None
        because = "The provider refused the request for good."
        return Course(
            FailureClass.PROVIDER_RETRY_LOOP, (Rung(at, action),), because, _told(trouble, text), until
        )
    return _retrying(record, limits)


def _retrying(record: SessionRecord, limits: SessionLimits) -> Course | None:
    span = record.hindered.retries
    if span is None or record.is_over or record.hindered.limited is not None:
        return None
    action = Action.PARK if span.trouble in PARKED else Action.INTERRUPT_RESUME
    act = (limits.retries_warn_seconds, limits.retries_act_seconds, limits.settle_seconds)
    # Retries that stopped long before a rung are none any more: that is silence.
    still = span.last_at + span.delay + limits.silence_warn_seconds
    rungs = tuple(rung for rung in rising(span.since, *act, action) if rung.at <= still)
    if span.count < LEAST_RETRIES or not rungs:
        return None
    return Course(
        FailureClass.PROVIDER_RETRY_LOOP,
        rungs,
        "Nothing has come but retries.",
        {"since": span.since, "retries": span.count, **_told(span.trouble, span.text)},
    )


def usage_limit(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F06: a limit of use; parked until its reset, or for a while where no time was told. Never counted."""
    if record.hindered.limited is None:
        return _refused_in_silence(record, limits)
    at, limited = record.hindered.limited
    told = limited.until
    until = at + limits.park_seconds
    if told is not None and told - at < MOST_PARK_SECONDS:
        until = max(told, at + LEAST_PARK_SECONDS)
    return Course(
        FailureClass.USAGE_LIMIT,
        (Rung(at, Action.PARK), Rung(until + limits.settle_seconds, Action.RETRY)),
        "The provider's limit is used up.",
        {"since": at, "reset": told, "text": limited.text[:300]},
        until,
    )


def _refused_in_silence(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F06: too many requests, and nothing since. Codex waits out a Retry-After of hours without a word of it."""
    refusal, quiet = record.hindered.refusal, quiet_mid_turn(record, limits)
    if refusal is None or quiet is None:
        return None
    rungs = rising(quiet.since, quiet.warn, quiet.act, limits.settle_seconds, Action.PARK)
    until = rungs[-1].at + limits.park_seconds
    return Course(
        FailureClass.USAGE_LIMIT,
        (*rungs, Rung(until + limits.settle_seconds, Action.RETRY)),
        "The provider refused for now, and nothing has come since.",
        {**quiet.evidence, **_told(refusal.trouble, refusal.text)},
        until,
    )


def failed_trouble(record: SessionRecord) -> Trouble | None:
    """Give what the turn failed by; where its end says nothing, what the last retry said."""
    if record.terminal is None or record.terminal[1].ok:
        return None
    told = record.terminal[1].trouble
    if told in (None, Trouble.OTHER) and record.hindered.retries is not None:
        return record.hindered.retries.trouble
    return told or Trouble.OTHER


def _given_up(record: SessionRecord) -> tuple[float, Trouble, str] | None:
    """Say when, why and in which words a request was given up: told by the turn's end, or by death after retries."""
    if record.hindered.limited is not None:
        return None
    trouble = failed_trouble(record)
    if trouble in PROVIDER and record.terminal is not None:
        ended: TurnEnded = record.terminal[1]
        return record.terminal[0], trouble, ended.text
    died = record.exited is not None and record.exited[1].code not in (None, 0)
    if record.terminal is None and record.hindered.retries is not None and died and record.exited is not None:
        return record.exited[0], record.hindered.retries.trouble, record.hindered.retries.text
    return None


def _told(trouble: Trouble, text: str) -> dict[str, object]:
    return {"trouble": trouble.value, "text": text[:300]}
