"""Rules about agent sessions: what their supervisor found of them, what they used up, what they left, and silence.

The classifier beside the agent sees the stream, the transcript and the processes; here its word is taken, and only what
nobody tells any more is judged by time. `crash_loop` is among the rules of ended attempts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from watchkeeper.domain.facts import AgentSessionFact
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import ALWAYS, Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import Trouble

STALLED = frozenset(
    {
        FailureClass.SILENT_BEFORE_OUTPUT,
        FailureClass.SILENT_MID_TURN,
        FailureClass.LIMBO_AFTER_RESULT,
        FailureClass.PROVIDER_RETRY_LOOP,
        FailureClass.WAITS_FOR_PERSON,
    }
)
"""Classes of a session that lives and does not move. One that is parked or only observed is none of these yet."""

BORNE = frozenset({Action.NONE, Action.PARK, Action.HOLD})


def session_stalled(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when its supervisor holds a live session for stalled, and it is past the limit at which that is acted on."""
    if session.is_over or session.failure not in STALLED or session.action in BORNE:
        return None
    return _moment(session, RuleName.SESSION_STALLED, session.failure, _held(session))


def session_unheard(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when nobody told of a live session of a running job for as long as a silent one is borne.

    Its supervisor tells of it once a minute, however quiet the agent is, parked or at a long tool.
    """
    if session.is_over or not session.is_running:
        return None
    at = session.heard_at + timedelta(seconds=session.silence_limit_seconds)
    told = {"heard_at": session.heard_at.isoformat(), "last_event": session.last_event}
    moment = _moment(session, RuleName.SESSION_STALLED, "supervisor_silent", told)
    return Moment(at, moment.finding)


def tool_loop(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when its supervisor holds a live session for one that goes round in a circle, and acts on it."""
    if session.is_over or session.failure != FailureClass.LOOP_WITHOUT_PROGRESS or session.action in BORNE:
        return None
    return _moment(session, RuleName.TOOL_LOOP, session.failure, _held(session))


def login_refused(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when a session gave up because its provider refuses the login: no session of the worker can do better."""
    is_refused = session.evidence.get("trouble") == Trouble.AUTH and session.action == Action.PARK
    if session.failure != FailureClass.PROVIDER_RETRY_LOOP or not is_refused:
        return None
    told = {**_held(session), "trouble": Trouble.AUTH.value, "to_do": session.evidence.get("to_do")}
    moment = _moment(session, RuleName.DOCTOR_FAILED, "login_refused", told)
    about = ("worker", session.worker_id, "login")
    return Moment(moment.at, replace(moment.finding, identity=about, job_id=None, kind=None))


def token_budget_exceeded(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when a session has used more than its job's kind allows one."""
    told = {
        "tokens_used": session.tokens_used,
        "tokens_limit": session.tokens_limit,
        "cost": session.cost,
        "cost_limit": session.cost_limit,
    }
    if session.tokens_limit is not None and (session.tokens_used or 0) > session.tokens_limit:
        return _moment(session, RuleName.TOKEN_BUDGET_EXCEEDED, "tokens", told)
    if session.cost_limit is not None and (session.cost or 0.0) > session.cost_limit:
        return _moment(session, RuleName.TOKEN_BUDGET_EXCEEDED, "cost", told)
    return None


def session_orphaned(session: AgentSessionFact, _limits: Thresholds) -> Moment | None:
    """Fire when a sweep left processes that it could not prove to be the session's own."""
    if not session.left:
        return None
    told = {"processes": list(session.left), "host_id": session.host_id}
    return _moment(session, RuleName.SESSION_ORPHANED, "left_after_sweep", told)


SESSION_RULES: tuple[RuleOf[AgentSessionFact], ...] = (
    session_stalled,
    tool_loop,
    login_refused,
    token_budget_exceeded,
    session_orphaned,
)
"""Asked whenever something of a session changes that they look at."""

UNHEARD_RULES: tuple[RuleOf[AgentSessionFact], ...] = (session_unheard,)
"""Asked of live sessions at each full sweep."""


def _held(session: AgentSessionFact) -> dict[str, Any]:
    return {
        "action": session.action,
        "because": session.because,
        "diagnosis": dict(session.evidence),
        "restarts": session.restarts,
        "last_event": session.last_event,
    }


def _moment(session: AgentSessionFact, rule: RuleName, cause: str, told: dict[str, Any]) -> Moment:
    finding = Finding(
        session.project_id,
        rule,
        ("session", str(session.id)),
        session.heard_at,
        cause,
        evidence={**told, "session_id": str(session.id), "agent": session.agent, "epoch": session.epoch},
        evidence_ref=f"agent_session:{session.id}",
        job_id=session.job_id,
        worker_id=session.worker_id,
        kind=session.kind,
        is_mirrored=session.is_mirrored,
    )
    return Moment(ALWAYS, finding)
