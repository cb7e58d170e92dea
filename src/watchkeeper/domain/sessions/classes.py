"""The classes of failure in one table: who judges each, in the order in which they count."""

from __future__ import annotations

from watchkeeper.domain.sessions import contract_faults, endings, provider, silence, standing
from watchkeeper.domain.sessions.course import Judge
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass

_F = FailureClass

JUDGES: dict[FailureClass, Judge] = {
    _F.TARGET_INVALID: contract_faults.target_invalid,
    _F.DUPLICATE_WORK: contract_faults.duplicate_work,
    _F.FALSE_STALL: endings.false_stall,
    _F.LEASE_LOST: contract_faults.lease_lost,
    _F.USAGE_LIMIT: provider.usage_limit,
    _F.PROVIDER_RETRY_LOOP: provider.retry_loop,
    _F.STATE_LOST: endings.state_lost,
    _F.DONE_AGAINST_EVIDENCE: endings.done_against_evidence,
    _F.DONE_WITHOUT_WORK: endings.done_without_work,
    _F.CONTROL_PLANE_FAILED: contract_faults.control_plane_failed,
    _F.WAITS_FOR_PERSON: silence.waits_for_person,
    _F.ORPHANED_PROCESSES: standing.orphaned_processes,
    _F.EXIT_WITHOUT_CONTRACT_CALL: endings.exit_without_contract_call,
    _F.LIMBO_AFTER_RESULT: silence.limbo_after_result,
    _F.LOOP_WITHOUT_PROGRESS: standing.loop_without_progress,
    _F.SILENT_MID_TURN: silence.silent_mid_turn,
    _F.SILENT_BEFORE_OUTPUT: silence.silent_before_output,
    _F.QUEUE_STUCK: standing.queue_stuck,
}
"""Where two are acted on at once, the first counts: it tells more of the cause."""

RIGHT_ACTION: dict[FailureClass, Action] = {
    _F.SILENT_BEFORE_OUTPUT: Action.INTERRUPT_RESUME,
    _F.SILENT_MID_TURN: Action.INTERRUPT_RESUME,
    _F.LIMBO_AFTER_RESULT: Action.SWEEP,
    _F.PROVIDER_RETRY_LOOP: Action.INTERRUPT_RESUME,
    _F.CONTROL_PLANE_FAILED: Action.RETRY,
    _F.USAGE_LIMIT: Action.PARK,
    _F.DONE_WITHOUT_WORK: Action.BLOCK_COMPLETE,
    _F.DONE_AGAINST_EVIDENCE: Action.BLOCK_COMPLETE,
    _F.EXIT_WITHOUT_CONTRACT_CALL: Action.RETRY,
    _F.LEASE_LOST: Action.RECONCILE,
    _F.DUPLICATE_WORK: Action.HOLD,
    _F.QUEUE_STUCK: Action.ESCALATE,
    _F.ORPHANED_PROCESSES: Action.SWEEP,
    _F.STATE_LOST: Action.INTERRUPT_RESUME,
    _F.LOOP_WITHOUT_PROGRESS: Action.INTERRUPT_RESUME,
    _F.FALSE_STALL: Action.HOLD,
    _F.WAITS_FOR_PERSON: Action.ESCALATE,
    _F.TARGET_INVALID: Action.ESCALATE,
}
"""What is usually right for a class; its judge knows the cases in which another is (docs/corpus.md)."""
