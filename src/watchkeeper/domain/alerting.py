"""Who is told of an incident, and when: the stages of its escalation, and why somebody is not told yet.

Nothing here sends; services/alert_planning.py writes down what this decides, for each channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watchkeeper.domain.policies import Contact, Policy, PolicyMode
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Escalation, NextAction, RuleName, Severity


class Untold(StrEnum):
    """Why nobody is told, or not yet."""

    RESOLVED = "resolved"
    SYMPTOM = "symptom"
    SHADOW = "shadow"
    NOT_NOTIFIED = "not_notified"
    QUIET_UNTIL = "quiet_until"
    ACKNOWLEDGED = "acknowledged"
    WAITS_IN_OUTBOX = "waits_in_outbox"
    REPAIR_UNDER_WAY = "repair_under_way"
    NO_PERSON_CAN_ACT = "no_person_can_act"
    BACKLOG_EMPTY = "backlog_empty"
    REPAIR_FIRST = "repair_first"
    SETTLING = "settling"
    NEXT_STAGE = "next_stage"


class Withheld(StrEnum):
    """Why an alert that stands in the outbox waits there."""

    QUIET_HOURS = "quiet_hours"
    QUIET_UNTIL = "quiet_until"
    REPAIR_UNDER_WAY = "repair_under_way"
    GROUPED = "grouped"
    BACK_OFF = "back_off"
    BEING_SENT = "being_sent"
    RATE_LIMITED = "rate_limited"
    CAPPED = "capped"
    QUOTA = "quota"


class Dropped(StrEnum):
    """Why an alert is not sent any more."""

    RESOLVED = "resolved"
    SYMPTOM = "symptom"
    ACKNOWLEDGED = "acknowledged"
    CHANNEL_OFF = "channel_off"
    REFUSED = "refused"
    GAVE_UP = "gave_up"


BACKLOG_EMPTY = "backlog_empty"
"""The cause that rules/workers.py gives an idle worker: it lacks jobs, and a proposal says so; nothing is broken."""


@dataclass(frozen=True, slots=True)
class AlertTimes:
    """Seconds. An incident settles before the first word of it, so that its symptoms and a repair may come first.

    `repair_first`: so long at most people are left out for a repair, whatever becomes of it.
    """

    settle: float = 30.0
    repair_first: float = 300.0
    stage: float = 1800.0
    repeat: float = 14_400.0
    group: float = 300.0
    look_again: float = 15.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """An incident as the escalation sees it. `told` stages were written down, the last of them was over at `told_at`.

    `failed_repairs` came to nothing; `awaits_approval`: a plan waits for a person's word; `is_held`: none may run now,
    for a switch, a breaker or a person's verdict. `is_waiting`: an alert of it stands in the outbox. `ends_at`:
    when a lease ends that is near it.
    """

    rule: RuleName
    severity: Severity
    state: str
    next_action: NextAction
    opened_at: datetime
    is_symptom: bool = False
    is_shadow: bool = False
    acknowledged_until: datetime | None = None
    quiet_until: datetime | None = None
    failed_repairs: int = 0
    awaits_approval: bool = False
    is_held: bool = False
    is_mirrored: bool = False
    cause: str | None = None
    ends_at: datetime | None = None
    told: int = 0
    told_at: datetime | None = None
    is_waiting: bool = False

    @property
    def is_critical(self) -> bool:
        return self.severity is Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either a stage that is to be told now, or why not, and when that is over where time alone ends it."""

    stage: int | None = None
    why: Untold | None = None
    until: datetime | None = None


def judged(trouble: Trouble, now: datetime, times: AlertTimes, policy: Policy) -> Verdict:
    """Say whether somebody is told of an incident now."""
    if (silent := _silenced(trouble, now, policy)) is not None:
        return silent
    if not trouble.is_critical and (waiting := _left_to_itself(trouble, now, times, policy)) is not None:
        return waiting
    if trouble.told == 0:
        settled = _over_at(trouble, times.settle, policy)
        if now < settled and not trouble.is_critical:
            return Verdict(why=Untold.SETTLING, until=settled)
        return Verdict(stage=0)
    is_last = trouble.told >= len(stages_of(trouble.rule, policy))
    told_at = trouble.told_at or now
    following = told_at + timedelta(seconds=times.repeat if is_last else times.stage)
    acknowledged = trouble.acknowledged_until
    if now >= following or (acknowledged is not None and told_at < acknowledged <= now):
        return Verdict(stage=trouble.told)
    return Verdict(why=Untold.NEXT_STAGE, until=following)


def _silenced(trouble: Trouble, now: datetime, policy: Policy) -> Verdict | None:
    if trouble.state == "resolved":
        return Verdict(why=Untold.RESOLVED)
    if trouble.is_symptom:
        return Verdict(why=Untold.SYMPTOM)
    if trouble.is_shadow:
        return Verdict(why=Untold.SHADOW)
    if not policy.notifies(trouble.rule) and not trouble.is_critical:
        return Verdict(why=Untold.NOT_NOTIFIED)
    if trouble.rule is RuleName.CLAIM_LOOP_IDLE and trouble.cause == BACKLOG_EMPTY:
        return Verdict(why=Untold.BACKLOG_EMPTY)
    for until, why in (
        (trouble.quiet_until, Untold.QUIET_UNTIL),
        (trouble.acknowledged_until, Untold.ACKNOWLEDGED),
    ):
        if until is not None and now < until:
            return Verdict(why=why, until=until)
    return Verdict(why=Untold.WAITS_IN_OUTBOX) if trouble.is_waiting else None


def _left_to_itself(trouble: Trouble, now: datetime, times: AlertTimes, policy: Policy) -> Verdict | None:
    """Say whether the program goes on by itself, or nobody could do anything about it."""
    if trouble.state in ("escalated", "needs_human") or trouble.awaits_approval:
        return None
    failures = policy.escalate_after(trouble.rule)
    until = _over_at(trouble, times.repair_first, policy)
    if trouble.state in ("repairing", "verifying") and failures != 0:
        return Verdict(why=Untold.REPAIR_UNDER_WAY, until=until) if now < until else None
    if trouble.next_action is NextAction.NONE:
        return Verdict(why=Untold.NO_PERSON_CAN_ACT)
    if failures is None:
        return Verdict(why=Untold.REPAIR_FIRST)
    if trouble.failed_repairs < failures and now < until and _may_be_repaired(trouble, policy):
        return Verdict(why=Untold.REPAIR_FIRST, until=until)
    return None


def _over_at(trouble: Trouble, seconds: float, policy: Policy) -> datetime:
    """Say until when people are left out for so many seconds of an incident's life.

    A lease that nobody here takes back, or of which people are told at once, leaves them half of what it had left: a
    word after its end would come too late.
    """
    usual = trouble.opened_at + timedelta(seconds=seconds)
    if trouble.ends_at is None or waits_for_repairs(trouble.rule, policy, is_mirrored=trouble.is_mirrored):
        return usual
    return min(usual, trouble.opened_at + max(trouble.ends_at - trouble.opened_at, timedelta()) / 2)


def waits_for_repairs(rule: RuleName, policy: Policy, *, is_mirrored: bool) -> bool:
    """Say whether an alert that is written may wait for a repair; not where it is to come before something ends."""
    is_urgent = rule is RuleName.LEASE_NEAR_EXPIRY and is_mirrored
    return policy.escalate_after(rule) != 0 and not is_urgent


def _may_be_repaired(trouble: Trouble, policy: Policy) -> bool:
    mode = policy.mode(trouble.rule, RULES[trouble.rule].action, is_mirrored=trouble.is_mirrored)
    return mode is PolicyMode.AUTO and not trouble.is_held


def stages_of(rule: RuleName, policy: Policy) -> tuple[str, ...]:
    """Give the names that are called one after the other while nobody acknowledges; the last again and again."""
    change = policy.rules.get(rule)
    first = (change.escalation if change is not None else None) or RULES[rule].escalation
    ladder: tuple[str, ...] = (first, Escalation.SUPERVISOR, Escalation.PLATFORM_OWNER)
    return tuple(dict.fromkeys(ladder[: ladder.index(Escalation.PLATFORM_OWNER) + 1]))


def called_at(rule: RuleName, stage: int, policy: Policy) -> Contact:
    """Give the person of a stage, and by which channels; none: by all that carry the project's alerts."""
    ladder = stages_of(rule, policy)
    contact = policy.contact(ladder[min(stage, len(ladder) - 1)])
    channels = contact.channels or policy.alert_channels
    if rule is RuleName.QUEUE_STUCK and policy.queue_stuck_alert is not None:
        channels = policy.queue_stuck_alert
    return Contact(contact.person, channels)


@dataclass(frozen=True, slots=True)
class Pending:
    """An alert in the outbox that is due, and what has become of its incident meanwhile (None: it has none).

    `tells_the_end`: it says that the incident is over.
    """

    severity: Severity
    written_at: datetime
    state: str | None = None
    is_symptom: bool = False
    waits_for_repairs: bool = True
    acknowledged_until: datetime | None = None
    quiet_until: datetime | None = None
    channel_is_on: bool = True
    quiet_hours_over: datetime | None = None
    group_told_at: datetime | None = None
    tells_the_end: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an alert that is due: it is dropped, it waits until a time, or, with neither, it is sent."""

    drop: Dropped | None = None
    wait: Withheld | None = None
    until: datetime | None = None


def outcome_of(pending: Pending, now: datetime, times: AlertTimes) -> Outcome:
    """Say whether an alert that is due goes out now; a critical one waits only for a person's own verdict."""
    if pending.tells_the_end:
        return _outcome_of_the_end(pending, now)
    if pending.state == "resolved":
        return Outcome(drop=Dropped.RESOLVED)
    if pending.is_symptom:
        return Outcome(drop=Dropped.SYMPTOM)
    if pending.acknowledged_until is not None and now < pending.acknowledged_until:
        return Outcome(drop=Dropped.ACKNOWLEDGED)
    if not pending.channel_is_on:
        return Outcome(drop=Dropped.CHANNEL_OFF)
    if pending.quiet_until is not None and now < pending.quiet_until:
        return Outcome(wait=Withheld.QUIET_UNTIL, until=pending.quiet_until)
    if pending.severity is Severity.CRITICAL:
        return Outcome()
    over = pending.written_at + timedelta(seconds=times.repair_first)
    if pending.state in ("repairing", "verifying") and now < over and pending.waits_for_repairs:
        until = min(over, now + timedelta(seconds=times.look_again))
        return Outcome(wait=Withheld.REPAIR_UNDER_WAY, until=until)
    if pending.quiet_hours_over is not None:
        return Outcome(wait=Withheld.QUIET_HOURS, until=pending.quiet_hours_over)
    if pending.group_told_at is not None:
        again = pending.group_told_at + timedelta(seconds=times.group)
        if now < again:
            return Outcome(wait=Withheld.GROUPED, until=again)
    return Outcome()


def _outcome_of_the_end(pending: Pending, now: datetime) -> Outcome:
    """Whoever was told of a trouble is told of its end; not at night."""
    if not pending.channel_is_on:
        return Outcome(drop=Dropped.CHANNEL_OFF)
    if pending.quiet_hours_over is not None and now < pending.quiet_hours_over:
        return Outcome(wait=Withheld.QUIET_HOURS, until=pending.quiet_hours_over)
    return Outcome()
