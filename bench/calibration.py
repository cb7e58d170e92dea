"""What this machine can do at all, measured beside the figures, so that runs can be compared."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import asyncpg

from bench.plan import Bench, Spread
from watchkeeper.storage.database import DatabaseConfig, connect

PAGE = b"\0" * 8192


async def calibrate(bench: Bench) -> dict[str, Spread]:
    """Measure the start of Python, an fdatasync of 8 kB, and SELECT 1 by both drivers, in milliseconds."""
    return {
        "python start": _python_start(),
        "fdatasync of 8 kB": _fdatasync(bench.scratch),
        "SELECT 1, psycopg": await _select_one_psycopg(bench.server.url),
        "SELECT 1, asyncpg": await _select_one_asyncpg(bench.server.url),
    }


def _python_start() -> Spread:
    return Spread.of([_timed_start() for _ in range(9)])


def _timed_start() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - begun) * 1000


def _fdatasync(directory: Path) -> Spread:
    path = directory / "fdatasync"
    times = []
    with path.open("wb", buffering=0) as file:
        file.write(PAGE * 256)
        os.fsync(file.fileno())
        for number in range(200):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), PAGE, number % 256 * len(PAGE))
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    path.unlink()
    return Spread.of(times)


async def _select_one_psycopg(url: str) -> Spread:
    connection = await connect(DatabaseConfig(url))
    times = []
    for _ in range(500):
        begun = time.perf_counter()
        await connection.execute("SELECT 1")
        times.append((time.perf_counter() - begun) * 1000)
    await connection.close()
    return Spread.of(times)


async def _select_one_asyncpg(url: str) -> Spread:
    connection = await asyncpg.connect(url)
    times = []
    for _ in range(500):
        begun = time.perf_counter()
        await connection.fetchval("SELECT 1")
        times.append((time.perf_counter() - begun) * 1000)
    await connection.close()
    return Spread.of(times)
