"""A helper that is our own contract CLI: what is reported of its jobs goes under the lease that it was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.relay.reports import Reports
from watchkeeper.services.relay.telling import Telling
from watchkeeper.services.supervision.server_link import Json, ServerLink

LEASE = "3.Zm9vYmFyYmF6cXV4cXV1eA"


class Listening(ServerLink):
    """A server that takes everything, and notes under which lease it came."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "wkw_token")
        self.heard: list[tuple[str | None, list[str]]] = []

    async def record(
        self, path: str, body: Json | Sequence[Json], answer_seconds: float, lease: str | None = None
    ) -> Json:
        bodies = [body] if isinstance(body, dict) else list(body)
        self.heard.append((lease, [str(each.get("job_id")) for each in bodies]))
        return {"ok": True}


async def test_each_report_goes_under_the_lease_of_its_job_and_none_keeps_it(tmp_path: Path) -> None:
    """Reports of one job go together; those of a foreign job, which has no lease of ours, by themselves."""
    place, link = HelperPlace(tmp_path, ["helper"], "w1"), Listening()
    with place.taken(1):
        reports = Reports(place, link)
        telling = Telling(reports, Redactor(), "w1")
        own = HeldJob.named("own-job", HelperConfig())
        own.record = {"lease_token": LEASE}
        foreign = HeldJob.named("theirs", HelperConfig())
        for held in (own, own, foreign):
            telling.skipped_upload(held, "no deliverable id")
        assert LEASE not in "".join(file.read_text() for file in place.reports.iterdir())
        assert await reports.deliver(5) == 0
    assert link.heard == [(LEASE, ["own-job", "own-job"]), (None, ["theirs"])]
    await link.close()
