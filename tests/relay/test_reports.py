"""Reports of a guarded helper: kept while our server is away, sent in order, and set aside where it refuses them."""

from __future__ import annotations

from relay.conftest import Scenes
from watchkeeper.services.relay.reports import ATTEMPTS, EVENTS, RUNS, Reports
from watchkeeper.services.supervision.server_link import ServerLink

TAKEN = '{"ok": true, "recorded": []}'
REFUSED = '{"ok": false, "error": {"code": "usage", "message": "no"}}'


async def test_reports_wait_for_the_server_and_go_in_order(scenes: Scenes) -> None:
    """Nothing is lost while it is away; what it will never take is set aside and holds up no other."""
    scene = scenes()
    with scene.place.taken(0):
        away = Reports(scene.place, ServerLink("http://127.0.0.1:1", "wkw_x"))
        for path in (EVENTS, EVENTS, RUNS, ATTEMPTS):
            away.keep(path, worker_id="w1", command="touch")
        assert await away.deliver(5) == 4
        await away.close()
        for path, text, status in ((EVENTS, TAKEN, 200), (RUNS, REFUSED, 422), (ATTEMPTS, TAKEN, 200)):
            scene.site.put(path, text, "application/json", status)
        back = Reports(scene.place, ServerLink(f"http://{scene.site.host}", "wkw_x"))
        assert await back.deliver(5) == 0
        await back.close()
    assert scene.site.asked == [EVENTS, RUNS, ATTEMPTS]
    assert len(list((scene.place.reports / "refused").iterdir())) == 1
