"""A refusal of the server reaches the person as what it is, whatever its code and its details."""

from __future__ import annotations

import httpx2
import pytest

from watchkeeper.domain.config_document import DocumentRefused
from watchkeeper.domain.errors import EXIT_CODE, HTTP_STATUS, WatchkeeperError
from watchkeeper.interfaces.cli.client import Client


@pytest.mark.parametrize("code", HTTP_STATUS)
def test_every_refusal_keeps_its_code_words_hint_and_details(code: str) -> None:
    """No code has an error of another shape made for it, and details may be named as the error's own parts."""
    assert DocumentRefused.code == "usage"  # loaded, with a shape of its own
    details = {"message": "m", "hint": "h", "self": 1, "failed": ["x"]}
    told = {"error": {"code": code, "message": "that is not there", "hint": "look", "details": details}}
    wire = httpx2.MockTransport(lambda _: httpx2.Response(HTTP_STATUS[code], json=told))
    with (
        httpx2.Client(base_url="http://server.invalid", transport=wire) as http,
        pytest.raises(WatchkeeperError, match="that is not there") as refused,
    ):
        Client(http, "http://server.invalid", None).get("/api/incidents/x")
    assert (refused.value.code, refused.value.advice) == (code, "look")
    assert refused.value.details == details
    assert EXIT_CODE[refused.value.code] > 1
