"""`host export`, the short way in: the standard library only, so that a run each two minutes costs next to nothing."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.domain.errors import EXIT_CODE, UsageError, WatchkeeperError
from watchkeeper.host.scan import ScanError
from watchkeeper.host.textfile import NotWritten
from watchkeeper.interfaces.cli.contract.environment import read
from watchkeeper.services.host_guard.export import Exported, HostExport

DIRECTORY = Path("/var/lib/prometheus/node-exporter")
"""Where Debian's node_exporter reads its textfiles."""


class ExportFailed(WatchkeeperError):
    """This host was not scanned, or the metrics were not written."""


def run(arguments: Sequence[str]) -> int:
    """Scan once and print what was found; give the exit code. The words after `host export` are its options."""
    asked = _parser().parse_args(arguments)
    try:
        export(asked.textfile_dir, asked.state, asked.proc, as_json=asked.json)
    except WatchkeeperError as error:
        told = {"ok": False, "error": {"code": error.code, "message": error.message, "hint": error.advice}}
        print(json.dumps(told) if asked.json else f"error: {error.message}\nhint: {error.advice}",
              file=sys.stdout if asked.json else sys.stderr)  # fmt: skip
        return EXIT_CODE.get(error.code, 5)
    return 0


def export(directory: Path, state: Path | None, proc: Path, *, as_json: bool) -> None:
    """Scan this host and write the metrics; raise ExportFailed or UsageError."""
    place = state or state_directory()
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        exported = HostExport(proc, place, directory).run(time.time())
    except ScanError as error:
        raise ExportFailed(str(error), hint="Give --proc a mounted /proc.") from error
    except NotWritten as error:
        raise ExportFailed(
            str(error), hint="Give --textfile-dir a directory that this user can write."
        ) from error
    except OSError as error:
        raise ExportFailed(
            f"{place} cannot be made: {error.strerror}", hint="Give --state another one."
        ) from error
    print(json.dumps(_told(exported)) if as_json else _lines(exported))


def state_directory() -> Path:
    """Give where the exporter keeps its state: below the home; raise UsageError where none can be named."""
    home = read(os.environ).home
    if home is None:
        raise UsageError(
            "neither WATCHKEEPER_HOME, XDG_STATE_HOME nor HOME is set",
            hint="Set one of them, or give --state.",
        )
    return home / "host"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "watchkeeper host export", description="Scan this host once, for Prometheus."
    )
    parser.add_argument("--textfile-dir", type=Path, default=DIRECTORY, metavar="DIR")
    parser.add_argument("--state", type=Path, default=None, metavar="DIR")
    parser.add_argument("--proc", type=Path, default=Path("/proc"), metavar="DIR")
    parser.add_argument("--json", action="store_true")
    return parser


def _told(exported: Exported) -> dict[str, object]:
    groups = [
        {
            "pid": one.group.root.key.pid,
            "start_ticks": one.group.root.key.start_ticks,
            "program": one.group.root.comm,
            "family": one.group.family.value,
            "processes": len(one.group.members),
            "lane": one.judgement.lane.value,
            "level": one.judgement.level.value,
            "because": list(one.judgement.because),
            "cores": one.cores,
        }
        for one in exported.judged
    ]
    scan = exported.scan
    return {
        "ok": True,
        "at": scan.at,
        "seconds": round(scan.seconds, 4),
        "processes": len(scan.processes),
        "unreadable": scan.unreadable,
        "server_known": exported.ledger is not None and not exported.ledger.is_stale(scan.at),
        "groups": groups,
    }


def _lines(exported: Exported) -> str:
    scan = exported.scan
    lines = [
        f"{len(scan.processes)} processes, {scan.unreadable} unreadable, in {scan.seconds * 1000:.0f} ms"
    ]
    for one in exported.judged:
        cores = "?" if one.cores is None else f"{one.cores:.2f}"
        root, judgement = one.group.root, one.judgement
        lines.append(
            f"{judgement.lane.value:9} {judgement.level.value:4} {one.group.family.value:8} pid {root.key.pid} "
            f"{root.comm!r}, {len(one.group.members)} processes, {cores} cores: {'; '.join(judgement.because)}"
        )
    return "\n".join(lines)
