"""Which HTTP statuses the artifact's check counts as opened."""

from __future__ import annotations

from watchkeeper.domain.expressions import Expression, ExpressionError
from watchkeeper.domain.truth import Truth

STATUS = "primary_artifact_url_http_status"
STATUSES = range(200, 400)


def accepted_statuses(passes: str) -> tuple[int, ...] | None:
    """Give them; None where the expression names none, or is none: who reads the whole document tells that."""
    try:
        expression = Expression.parse(passes)
    except ExpressionError:
        return None
    if STATUS not in expression.facts:
        return None
    found = [status for status in STATUSES if expression.evaluate({STATUS: status}).truth is Truth.TRUE]
    return tuple(found) if 0 < len(found) < len(STATUSES) else None
