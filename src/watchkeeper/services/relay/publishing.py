"""The shared store: a command of the operator's that puts files where everybody can open them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.agents.command import SHELL
from watchkeeper.agents.session import Session, SessionError, SessionSpec
from watchkeeper.agents.user import own_user
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.logs import log
from watchkeeper.services.relay.calls import RunningCall, environment_of
from watchkeeper.services.relay.guard import shared_addresses
from watchkeeper.services.relay.place import HelperPlace


async def published(
    config: HelperConfig, place: HelperPlace, folder: Path, names: Sequence[str]
) -> dict[str, str]:
    """Give the addresses of files by their names, empty where they could not be published."""
    if config.publish_command is None or not names:
        return {}
    spec = SessionSpec(
        directory=place.new_call("publish"),
        command=[SHELL, "-c", f'{config.publish_command} "$@"', "publish", *names],
        environment=environment_of(os.environ),
        workspace=folder,
        user=own_user(),
        home=place.home,
        grace_seconds=config.grace_seconds,
        kill_seconds=config.kill_seconds,
    )
    try:
        session = await asyncio.to_thread(Session.start, spec)
    except (SessionError, OSError) as error:
        log("helper_trouble", detail=f"publish_command could not be run: {error}")
        return {}
    run = await RunningCall(session, "publish", config.answer_seconds, config.linger_seconds).wait()
    found = None if run is None or run.exit_code != 0 else last_object(run.stdout)
    return {} if found is None else shared_addresses(found[1].get("artifacts"))
