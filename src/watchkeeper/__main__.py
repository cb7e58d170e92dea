"""Where `watchkeeper` begins: contract commands take the short way in, all else the operators' program."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of this process and give its exit code.

    What agents call must start within a tenth of a second, and what cron runs must cost next to nothing: no branch
    imports another.
    """
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    from watchkeeper.interfaces.cli import contract

    if contract.answers_to(name):
        return contract.run(sys.argv[1:])
    if sys.argv[1:3] == ["host", "export"] and "--help" not in sys.argv:
        from watchkeeper.interfaces.cli import host_export

        return host_export.run(sys.argv[3:])
    from watchkeeper.interfaces.cli.main import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
