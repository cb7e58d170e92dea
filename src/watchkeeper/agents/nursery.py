"""The nursery of a supervisor: a small program that gives birth to the shims of its sessions.

Run as `python -I -S .../nursery.py`, with a socket as standard input. A shim that is started as a program of its own
takes 7 MB and a tenth of a second; a fork of this one shares what Python and its modules are, and takes a quarter.
It knows nothing of a session but its directory, ends with its supervisor, and its shims live on. Standard library only.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from pathlib import Path

if not __package__:
    sys.path.append(str(Path(__file__).parents[2]))

from watchkeeper.agents import records, shim

MOST_BYTES = 8192
"""The longest name of a session directory that is taken."""


def main() -> int:
    """Give birth to a shim for each directory that is sent, and answer with its pid, until nobody sends any more."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_IGN)
    asked = socket.socket(fileno=os.dup(0))
    # What is collected later would have to be looked at in every fork, and so be copied into it.
    gc.collect()
    gc.disable()
    gc.freeze()
    while directory := asked.recv(MOST_BYTES):
        pid = os.fork()
        if pid == 0:
            asked.close()
            _become_shim(Path(os.fsdecode(directory)))
        asked.send(str(pid).encode())
    return 0


def _become_shim(directory: Path) -> None:
    """Run the shim of a session as if it had been started for it; never returns."""
    code = 1
    try:
        os.setsid()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(directory / records.SHIM_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target, opened in ((0, nothing), (1, log), (2, log)):
            os.dup2(opened, target)
        gc.enable()
        code = shim.main([str(directory / records.SPEC)])
    except BaseException:  # noqa: BLE001 - told in the shim's log, as the interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
