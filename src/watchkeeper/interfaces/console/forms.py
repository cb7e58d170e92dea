"""Small forms as browsers send them."""

from __future__ import annotations

from fastapi import Request

from watchkeeper.domain.errors import UsageError

MAX_FORM_BYTES = 32_768
MAX_FIELDS = 40


async def read_form(request: Request) -> dict[str, str]:
    """Read a small form; raise UsageError for a large one or one with files."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise UsageError("a form is expected")
    # Browsers say how long a form is; what comes without a length could be without an end.
    if int(request.headers.get("content-length") or MAX_FORM_BYTES + 1) > MAX_FORM_BYTES:
        raise UsageError("the form is too large")
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}
