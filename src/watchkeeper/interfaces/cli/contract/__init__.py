"""The contract CLI: what an agent calls to claim a job, work on it and hand it in.

It imports the standard library and the error table of the domain only, so that a command costs little more
than the start of Python. Shapes, codes and the outbox are described in docs/reference/contract.md.
"""

from __future__ import annotations

from watchkeeper.interfaces.cli.contract.program import answers_to, run

__all__ = ["answers_to", "run"]
