"""How long the server takes for every page of the console, and how much a browser has to fetch for one."""

from __future__ import annotations

import gzip
import http.client
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.console_fill import PROJECT, Filled
from bench.plan import Bench, Row, Spread
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.families import PAGES
from watchkeeper.interfaces.console.login import SESSION_COOKIE

MOST_MILLISECONDS = 100.0
MOST_BYTES, MOST_STYLE, MOST_SCRIPT = 150_000, 25_000, 12_000
WARM = 10
_NAME = re.compile(r"\{(\w+)(?::\w+)?\}")
_FILES = re.compile(rb'(?:href|src)="(/static/[^"]+)"')


Used = Callable[[], dict[int, float]]
"""Tells the seconds of processor time that the server and its database connections have used so far."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One page as one visitor got it: milliseconds of each answer, processor time of one, the last answer's bytes."""

    path: str
    status: int
    times: Spread
    cpu: float
    body: bytes

    @property
    def text(self) -> str:
        spent = f"{self.cpu:.1f} ms of a processor, {len(self.body):,} bytes"
        return f"{self.status}, {self.times.text(1, ' ms')}, {spent}"


def measure_pages(
    bench: Bench, filled: Filled, url: str, visitors: Mapping[str, str], used: Used
) -> list[Row]:
    """Ask for each page of the console's table again and again, as each visitor, over one kept connection."""
    timed, left_out = [], []
    for page in PAGES:
        names = _NAME.findall(page.path)
        if page.is_open or any(name not in filled.subjects for name in names):
            left_out.append(page.path)
            continue
        path = _NAME.sub(lambda found: filled.subjects[found[1]], page.path)
        for visitor, secret in visitors.items():
            cookie = {"Cookie": f"{SESSION_COOKIE}={secret}"}
            one = timed(url, f"{path}?project={PROJECT}", cookie, bench.plan.page_samples, used)
            bench.say(f"console, {visitor}, {page.path}: {one.text}")
            timed.append((visitor, page.path, one))
    files = _static_files(url, timed[0][2].body)
    return [_time_row(timed, left_out), _weight_row(timed, files)]


def timed(url: str, path: str, headers: Mapping[str, str], samples: int, used: Used) -> Timed:
    """Ask for one address again and again over one connection, after a few times that do not count."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    times, status, body, before = [], 0, b"", {}
    for number in range(WARM + samples):
        if number == WARM:
            before = used()
        begun = time.perf_counter()
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
        times.append((time.perf_counter() - begun) * 1000)
    connection.close()
    cpu = sum(seconds - before.get(each, 0.0) for each, seconds in used().items())
    return Timed(path, status, Spread.of(times[WARM:]), cpu * 1000 / samples, body)


def _static_files(url: str, body: bytes) -> dict[str, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    files = {}
    for name in _FILES.findall(body):
        connection.request("GET", name.decode())
        files[name.decode().partition("?")[0].rpartition("/")[2]] = connection.getresponse().read()
    connection.close()
    return files


def _time_row(timed: list[tuple[str, str, Timed]], left_out: list[str]) -> Row:
    open_to_all = {page.path for page in PAGES if page.right is Right.READ}
    refused = [path for _, path, one in timed if one.status != (200 if path in open_to_all else one.status)]
    p99 = {f"{path} ({visitor})": one.times.percentile(0.99) for visitor, path, one in timed}
    slowest = max(p99, key=lambda name: p99[name])
    slow = sum(1 for value in p99.values() if value > MOST_MILLISECONDS)
    said = f"{slowest} {p99[slowest]:.1f} ms; {len(p99) - slow} of {len(p99)} within"
    return Row(
        what="slowest page of the console, server time, p99",
        required=f"<= {MOST_MILLISECONDS:g} ms",
        reached=said + (f"; refused: {', '.join(refused)}" if refused else ""),
        ok=not slow and not refused,
        figures={
            "ms": {
                f"{path} ({visitor})": one.times.json() | {"p99": one.times.percentile(0.99), "cpu": one.cpu}
                for visitor, path, one in timed
            },
            "left_out": left_out,
        },
    )


def _weight_row(timed: list[tuple[str, str, Timed]], files: Mapping[str, bytes]) -> Row:
    _, path, heaviest = max(timed, key=lambda one: len(one[2].body))
    parts = {"html": heaviest.body, **files}
    whole, packed = sum(map(len, parts.values())), sum(len(gzip.compress(part)) for part in parts.values())
    style, script = len(files.get("console.css", b"")), len(files.get("console.js", b""))
    return Row(
        what="heaviest page of the console, with style and script",
        required=f"<= {MOST_BYTES // 1000} kB, CSS <= {MOST_STYLE // 1000} kB, JS <= {MOST_SCRIPT // 1000} kB",
        reached=f"{path} {whole / 1000:.1f} kB ({packed / 1000:.1f} kB gzipped), CSS {style / 1000:.1f} kB, "
        f"JS {script / 1000:.1f} kB",
        ok=whole <= MOST_BYTES and style <= MOST_STYLE and script <= MOST_SCRIPT,
        figures={"bytes": {f"{path} ({visitor})": len(one.body) for visitor, path, one in timed}},
    )
