"""What a scan comes to in figures: by lane and family, the machine's load, and what the server says beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchkeeper.domain.exposition import Metric, by, gauge
from watchkeeper.domain.host_guard.evidence import Judgement, Lane
from watchkeeper.domain.host_guard.families import CI_PROGRAMS, Family
from watchkeeper.domain.host_guard.grouping import Group
from watchkeeper.domain.host_guard.lanes import ALERT_LANES
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.seen import Scan

PREFIX = "host_runaway_process"

_JOB_PROGRAMS = re.compile(r"^Runner\.Worker")
_CONTAINER = re.compile(r"(?:docker|libpod|cri-containerd)[-/]([0-9a-f]{12,64})")


@dataclass(frozen=True, slots=True)
class Judged:
    """A group, what is held of it, and the cores that it took since the scan before (None: not known yet)."""

    group: Group
    judgement: Judgement
    cores: float | None


def figures(scan: Scan, judged: Sequence[Judged], ledger: Ledger | None) -> list[Metric]:
    """Give the metrics of one scan. What only the server knows is absent where its word is old."""
    fresh = ledger is not None and not ledger.is_stale(scan.at)
    found = [
        gauge("monitor_up", "1 when the last scan of this host's processes succeeded.", 1),
        gauge("last_success_timestamp_seconds", "Unix time of the last scan that succeeded.", scan.at),
        gauge("scan_duration_seconds", "How long the last scan took.", scan.seconds),
        gauge("processes", "Processes on this host.", len(scan.processes)),
        gauge("unreadable_processes", "Processes of interest that could not be read.", scan.unreadable),
        _lanes("groups", "Groups of processes of interest.", [(one, 1.0) for one in judged]),
        gauge("orphan_browser_groups", "Automated browsers whose session is proven to be over.", orphan_groups(judged)),
        gauge("active_ci_jobs", "Jobs of CI runners that are under way on this host.", active_ci_jobs(scan)),
        gauge("active_ci_containers", "Containers in which processes of CI run.", active_ci_containers(judged)),
        gauge("load5_per_core", "The five-minute load average for each core.", scan.load.load5 / scan.load.cores),
        by("source_up", "1 when this source of facts is there and fresh.", "source",
           {"proc": 1, "server": float(fresh)}),
    ]  # fmt: skip
    if scan.load.swap_used is not None:
        found.append(gauge("swap_used_ratio", "The share of swap that is in use.", scan.load.swap_used))
    if (orphans := orphan_cores(judged)) is not None:
        spent = [(one, one.cores or 0.0) for one in judged]
        found.append(_lanes("group_cpu_cores", "Cores that groups took between the last two scans.", spent))
        said = "Cores that orphaned browsers took since the scan before."
        found.append(gauge("orphan_browser_cpu_cores", said, orphans))
    if ledger is not None and fresh:
        lanes = {lane.lane_id: float(ledger.alerts.get(lane.lane_id, 0)) for lane in ALERT_LANES}
        found.append(by("alerts_firing", "Open incidents of the host guard.", "lane", lanes))
        found.append(
            gauge("remediations_authorized", "Remediations that a person has approved.", ledger.authorized)
        )
    return found


def failed(at: float) -> list[Metric]:
    """Give the metrics of a scan that did not succeed: the monitor is down, and nothing else is claimed."""
    return [
        gauge("monitor_up", "1 when the last scan of this host's processes succeeded.", 0),
        gauge("last_run_timestamp_seconds", "Unix time of the last try.", at),
        by("source_up", "1 when this source of facts is there and fresh.", "source", {"proc": 0}),
    ]


def _lanes(name: str, text: str, amounts: Iterable[tuple[Judged, float]]) -> Metric:
    """Sum amounts up by lane and family, with a zero for each pair that there is none of."""
    values: dict[tuple[tuple[str, str], ...], float]
    values = {(("lane", lane.value), ("family", family.value)): 0.0 for lane in Lane for family in Family}
    for one, amount in amounts:
        values[(("lane", one.judgement.lane.value), ("family", one.group.family.value))] += amount
    return Metric(name, text, values)


def _is_orphan_browser(one: Judged) -> bool:
    return one.judgement.lane is Lane.ORPHAN and one.group.family is Family.BROWSER


def orphan_cores(judged: Iterable[Judged]) -> float | None:
    """Sum up what orphaned browsers took since the scan before; None where that is not known of every group."""
    known = [(one, one.cores) for one in judged]
    if any(cores is None for _, cores in known):
        return None
    return sum(cores or 0.0 for one, cores in known if _is_orphan_browser(one))


def orphan_groups(judged: Iterable[Judged]) -> int:
    """Count the automated browsers whose sessions are proven to be over."""
    return sum(map(_is_orphan_browser, judged))


def active_ci_jobs(scan: Scan) -> int:
    """Count the jobs that runners have begun: each has a worker of its own, or is a child of a runner that has none."""
    runners = {pid for pid, one in scan.processes.items() if CI_PROGRAMS.match(one.comm) and not one.is_gone}
    workers = {pid for pid in runners if _JOB_PROGRAMS.match(scan.processes[pid].comm)}
    with_workers = {scan.processes[pid].ppid for pid in workers}
    children = {
        one.ppid
        for one in scan.processes.values()
        if one.ppid in runners - workers - with_workers and not one.is_gone and one.key.pid not in runners
    }
    return len(workers) + len(children)


def active_ci_containers(judged: Iterable[Judged]) -> int:
    """Count the containers in which processes of CI run."""
    places = (
        member.cgroup or "" for one in judged if one.judgement.lane is Lane.CI for member in one.group.members
    )
    return len({found[1] for place in places if (found := _CONTAINER.search(place))})
