"""What plans, decides, carries out and undoes repairs."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.repairs.acting import Acting, RepairConfig
from watchkeeper.services.repairs.approving import Approving
from watchkeeper.services.repairs.desk import Repairs
from watchkeeper.services.repairs.duty import RepairDuty
from watchkeeper.services.repairs.planning import Planning
from watchkeeper.services.repairs.policy_desk import PolicyDesk
from watchkeeper.services.repairs.records import RepairRecords
from watchkeeper.services.repairs.undoing import Undoing


def repair_parts(
    core: Core, policy: Callable[[], Policy], config: RepairConfig | None = None
) -> tuple[Repairs, PolicyDesk, RepairDuty]:
    """Put together the desks where people decide repairs and brakes, and the duty that carries them out."""
    config, database, records = config or RepairConfig(), core.database, RepairRecords(core.redactor)
    acting = Acting(policy, records, core.redactor, config)
    planning = Planning(policy, records, config.verify_seconds)
    approving, undoing = Approving(policy, records), Undoing(records, policy)
    desk = Repairs(database, policy, records, planning, acting, approving, undoing)
    brakes = PolicyDesk(database, policy, records, acting)
    return desk, brakes, RepairDuty(database, policy, planning, acting, config)
