"""Who goes by which policy, on all machines of one database."""

from __future__ import annotations

from watchkeeper.storage.database import Database, Row

LATELY_SECONDS = 300.0
"""A process that was heard of within it counts as running."""


async def policy_holders(database: Database) -> list[Row]:
    """Give who goes by which policy now, and what document each refused."""
    return await database.fetch("policy_holders", {"lately_seconds": LATELY_SECONDS})


def told_of(holders: list[Row]) -> tuple[bool, str]:
    """Say in a sentence whether all go by one policy that is the one of their document."""
    if not holders:
        return True, "no process has told by which policy it goes"
    troubled = [one for one in holders if one["trouble"] is not None]
    if troubled:
        one = troubled[0]
        return False, (
            f"{one['process']} on {one['machine']} keeps policy {one['version']} ({one['digest'][:12]}) since"
            f" {one['trouble_since'].isoformat()}, as its document is refused: {one['trouble']}"
        )
    found = {one["digest"]: one for one in holders}
    if len(found) > 1:
        each = ", ".join(
            f"{one['process']} on {one['machine']}: {one['digest'][:12]}" for one in found.values()
        )
        return False, f"different policies are in force: {each}"
    return (
        True,
        f"policy {holders[0]['version']} ({holders[0]['digest'][:12]}) is in force in {len(holders)} processes",
    )
