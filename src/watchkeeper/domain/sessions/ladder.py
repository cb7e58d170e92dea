"""The ladder: observe, touch, try again, interrupt and resume, a fresh session, then a person."""

from __future__ import annotations

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass

LADDER = (
    Action.NONE,
    Action.TOUCH,
    Action.RETRY,
    Action.INTERRUPT_RESUME,
    Action.FRESH_SESSION,
    Action.ESCALATE,
)
GENTLE = frozenset(LADDER[:3])
"""To observe, to touch and to try again leave a session as it is."""

RESTARTS = frozenset({Action.RETRY, Action.INTERRUPT_RESUME, Action.FRESH_SESSION})
UNCOUNTED = frozenset({FailureClass.USAGE_LIMIT, FailureClass.CONTROL_PLANE_FAILED})
"""Trying again here restarts no session of the job by a fault of its own."""


def climbed(failure: FailureClass, action: Action, restarts: int, most: int) -> Action:
    """Say what is done after so many restarts of the job: a loop gets a fresh thread, the last one a person."""
    if action not in RESTARTS or failure in UNCOUNTED:
        return action
    if restarts >= most:
        return Action.ESCALATE
    is_in_the_thread = failure is FailureClass.LOOP_WITHOUT_PROGRESS and restarts > 0
    return Action.FRESH_SESSION if is_in_the_thread else action


def is_earlier(action: Action, right: Action) -> bool:
    """Say whether an act is an earlier rung than the right one.

    To kill is the last of all. To look on, to touch and to try again come before every act but one: what must be
    blocked would be green meanwhile.
    """
    if right is Action.KILL:
        return action in (*LADDER, Action.SWEEP)
    if action in LADDER and right in LADDER:
        return LADDER.index(action) < LADDER.index(right)
    return action in LADDER[:3] and right is not Action.BLOCK_COMPLETE
