"""`work --limit`: what one session may use, in words."""

from __future__ import annotations

import pytest

from watchkeeper.agents.scope import Limits
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.session_limits import session_limits


def test_limits_are_read_with_their_units() -> None:
    """Sizes have units, cores may be parts of one, and what is left out has no limit."""
    given = session_limits(["memory=1.5G", "cores=0.5", "processes=200", "disk=20GiB"])
    assert given == {"limits": Limits(1_610_612_736, 0.5, 200), "workspace_limit_bytes": 20 * 1024**3}
    assert session_limits([]) == {"limits": Limits()}


@pytest.mark.parametrize("text", ["memory", "memory=", "memory=-1", "memory=0", "cpu=1", "memory=1X", "=1"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    """A name that is none and a value that is none are told with an example."""
    with pytest.raises(UsageError, match="NAME=VALUE"):
        session_limits([text])
