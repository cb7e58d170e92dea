"""The gate's look at what a foreign job made, from here: no database, the same fetcher and the same judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.domain.gate import judge, wanted_addresses
from watchkeeper.domain.handover import Entry, Handover
from watchkeeper.domain.heartbeat_steps import Checked
from watchkeeper.services.fetch import FetchConfig, Fetcher
from watchkeeper.services.foreign_evidence import ForeignEvidence

UNKNOWN_ADDRESS = "none"


@dataclass(frozen=True, slots=True)
class Look:
    """What a check found: the decision's part, and what is reported of it."""

    checked: Checked
    primary_url: str = UNKNOWN_ADDRESS
    http_status: int | None = None
    files: tuple[dict[str, Any], ...] = ()
    failed: tuple[dict[str, str], ...] = ()


class OutsideGate:
    """Judges artifacts at foreign addresses."""

    def __init__(self, config: FetchConfig, statuses: Sequence[int], markers: Sequence[str]) -> None:
        self._fetcher = Fetcher(config)
        self._statuses = statuses
        self._markers = markers

    async def primary(self, handover: Handover, contract: Any) -> Look:
        """Open the primary and its file list, and judge it by the job's contract, or by the usual one.

        Required kinds are left to `complete`, which names those that are missing.
        """
        if handover.primary_is_local:
            return _failed(
                GateCheck.LOCAL_ONLY, "the primary artifact is local to one machine", is_local=True
            )
        try:
            claimed = handover.claimed()
        except UsageError as error:
            return _failed(GateCheck.NO_PRIMARY, error.message)
        rules = replace(_contract(contract), required_kinds=())
        claimed = [artifact for artifact in claimed if artifact.is_foreign or artifact.primary]
        async with self._fetcher.begin() as fetching:
            evidence = ForeignEvidence(fetching, self._statuses, self._markers)
            opened = await evidence.open(wanted_addresses(rules, claimed))
        verdict = judge(rules, claimed, [], opened.findings)
        told = "; ".join(f"{one.check}: {one.detail}" for one in verdict.all_failed)
        is_local = any(one.check is GateCheck.LOCAL_ONLY for one in verdict.all_failed)
        return Look(
            Checked(verdict.passed, is_local_only=is_local, detail=told),
            (verdict.primary.url if verdict.primary else None) or UNKNOWN_ADDRESS,
            verdict.http_status,
            tuple(verdict.files_json()),
            tuple(verdict.failed_json()),
        )

    async def passing(self, candidates: list[Entry]) -> Entry | None:
        """Give the first of several artifacts that opens, shows something, and is what it is called."""
        for entry in candidates:
            alone = Handover([{**entry, "primary": True, "files": [_name(entry)]}])
            rules = ResultContract.parse({"primary": "any"})
            claimed = alone.claimed()
            async with self._fetcher.begin() as fetching:
                evidence = ForeignEvidence(fetching, self._statuses, self._markers)
                opened = await evidence.open(wanted_addresses(rules, claimed))
            if judge(rules, claimed, [], opened.findings).passed:
                return entry
        return None


def _contract(given: Any) -> ResultContract:
    """Read a contract if it is one of ours; else the default holds: an openable primary with a file list."""
    try:
        return ResultContract.parse(given if given is not None else {})
    except (UsageError, InvalidContract):
        return ResultContract()


def _failed(check: GateCheck, detail: str, *, is_local: bool = False) -> Look:
    failed = {"check": check.value, "detail": detail}
    return Look(Checked(False, is_local_only=is_local, detail=f"{check}: {detail}"), failed=(failed,))


def _name(entry: Entry) -> str:
    return str(entry["url"]).rpartition("/")[2]
