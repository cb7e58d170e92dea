"""Signals to processes that are proven to be the ones meant, through a pidfd and in no other way.

The protocol: open a pidfd, read the identity again, compare, poll the pidfd (not ended: so what was read
belonged to it), send through it. A reused pid, a zombie and a refusal by the kernel are answers, not errors.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum

from watchkeeper.host.processes import Identity, ProcReader

WAIT_AT_ONCE = 64
"""How many pidfds one wait holds open: a fork bomb must not use up this process' own descriptors."""


class Sent(StrEnum):
    SENT = "sent"
    GONE = "gone"
    NOT_THE_SAME = "not_the_same"
    REFUSED = "refused"


def open_verified(identity: Identity, reader: ProcReader) -> int | Sent:
    """Open a pidfd on the very process that `identity` names; the caller closes it.

    Gives `Sent.GONE` when it has ended (a zombie has), `Sent.NOT_THE_SAME` when another process has its pid.
    """
    if (identity.boot_id, identity.pid_ns) != (reader.boot_id, reader.pid_ns):
        return Sent.NOT_THE_SAME
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return Sent.GONE
    except OSError:
        return Sent.REFUSED
    same = reader.same(identity) is not None
    ended = has_ended(pidfd)
    if same and not ended:
        return pidfd
    os.close(pidfd)
    return Sent.GONE if ended else Sent.NOT_THE_SAME


def has_ended(pidfd: int, timeout: float = 0.0) -> bool:
    """Wait at most `timeout` seconds for the end of the process behind a pidfd."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(timeout * 1000))


def send(identity: Identity, signum: signal.Signals, reader: ProcReader) -> Sent:
    """Send a signal to exactly this process.

    Init, this process and what is above it are always refused.
    """
    own = os.getpid()
    if identity.pid <= 1 or identity.pid == own or identity.pid in reader.ancestors(own):
        return Sent.REFUSED
    pidfd = open_verified(identity, reader)
    if isinstance(pidfd, Sent):
        return pidfd
    try:
        signal.pidfd_send_signal(pidfd, signum)
    except ProcessLookupError:
        return Sent.GONE
    except PermissionError:
        return Sent.REFUSED
    finally:
        os.close(pidfd)
    return Sent.SENT


def wait_for_ends(identities: Iterable[Identity], reader: ProcReader, timeout: float) -> None:
    """Return as soon as one of these processes has ended, at the latest after `timeout` seconds."""
    poller = select.poll()
    with ExitStack() as held:
        for identity, _ in zip(identities, range(WAIT_AT_ONCE), strict=False):
            pidfd = open_verified(identity, reader)
            if pidfd is Sent.REFUSED:
                continue
            if isinstance(pidfd, Sent):
                return
            held.callback(os.close, pidfd)
            poller.register(pidfd, select.POLLIN)
        poller.poll(max(timeout, 0.0) * 1000)
