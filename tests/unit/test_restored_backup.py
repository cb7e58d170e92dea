"""The benchmark of a restore says what did not come back: each part of its row can turn it red."""

from __future__ import annotations

from typing import Any

import pytest

from bench.restored import FILES, Sealed, differences

SEALED = Sealed(rows=50, number=7, hash=b"seven", seconds=1.0)
TABLES = {"job_specs": 20, "ready_jobs": 9, "leases": 1, "artifacts": FILES, "audit_events": 60}
FOUND = {
    "jobs": 20,
    "waiting": 10,
    "artifacts": FILES,
    "audit_rows": 60,
    "new_audit_rows": 2,
    "hash": b"seven",
}
STORED = {"ok": True, "files": FILES}
CHAIN = {"ok": True, "rows": 62, "unsealed_rows": 0, "seals": 9, "anchored_to": 7}


def told(**changed: dict[str, Any]) -> list[str]:
    """Give the differences where one of the four answers is another."""
    return differences(
        {"files": FILES, "tables": TABLES | changed.get("tables", {})},
        FOUND | changed.get("found", {}),
        SEALED,
        STORED | changed.get("stored", {}),
        CHAIN | changed.get("chain", {}),
    )


def test_a_restore_that_brought_everything_back_has_no_difference() -> None:
    """The row is green where rows, files and chain are those of the backup."""
    assert told() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"found": {"jobs": 19}},
        {"found": {"waiting": 9}},
        {"found": {"artifacts": FILES - 1}},
        {"tables": {"audit_events": 61}},
        {"chain": {"rows": 59}},
        {"chain": {"unsealed_rows": 2}},
        {"stored": {"files": FILES - 1}},
        {"stored": {"ok": False}},
        {"chain": {"ok": False}},
        {"chain": {"seals": 7}},
        {"chain": {"anchored_to": None}},
        {"found": {"hash": b"sealed anew"}},
    ],
)
def test_what_did_not_come_back_turns_the_row_red(changed: dict[str, Any]) -> None:
    """A lost row, file or seal, a chain that was sealed anew, and an anchor that was not brought are each named."""
    assert len(told(**changed)) == 1
