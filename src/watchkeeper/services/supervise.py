"""`work --agent`: claims jobs over HTTP and runs each as an agent session, until it is stopped.

The parts are in services/supervision; docs/sessions.md tells the whole.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from watchkeeper.agents.adapter import Adapter, Setup
from watchkeeper.agents.known import adapter
from watchkeeper.agents.user import SYSTEM_PATH, agent_user
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.domain.errors import SettingError
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.contract_host import ContractHost
from watchkeeper.services.supervision.place import taken_place
from watchkeeper.services.supervision.session_records import ServerRecords
from watchkeeper.services.supervision.supervisor import Supervisor

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MOST_THREADS = 64


async def supervise(
    config: SupervisorConfig,
    contract_host: ContractHost | None = None,
    adapter_of: Callable[[str, Setup], Adapter] = adapter,
) -> int:
    """Work until SIGTERM, SIGINT or SIGHUP, then finish or hand back what runs; a second signal hurries. Gives 0.

    `contract_host`, not started yet, gives agents the contract's tools; `adapter_of` makes the adapter of an agent.
    Waits for a server that is not there yet. Raises SettingError, Unauthenticated, PermissionDenied or UsageError
    where it cannot work at all.
    """
    workspaces = await asyncio.to_thread(_workspaces, config)
    made = await asyncio.to_thread(adapter_of, config.agent, _setup(config, workspaces))
    loop = asyncio.get_running_loop()
    # A proof may block a thread for three graces: it must not hold up the others' output and ends.
    loop.set_default_executor(ThreadPoolExecutor(min(2 * config.slots + 8, MOST_THREADS)))
    stopping, hurrying = asyncio.Event(), asyncio.Event()

    def asked_to_stop() -> None:
        (hurrying if stopping.is_set() else stopping).set()

    records = ServerRecords(config.url, config.token)
    with taken_place(config, made.name) as place:
        for number in SIGNALS:
            loop.add_signal_handler(number, asked_to_stop)
        try:
            if contract_host is not None:
                await asyncio.to_thread(contract_host.start, place.directory, place.adopted())
            records.start()
            supervisor = Supervisor(config, place, workspaces, made, contract_host, records)
            await supervisor.run(stopping, hurrying)
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
            await asyncio.to_thread(records.stop)
            if contract_host is not None:
                await asyncio.to_thread(contract_host.stop)
    return 0


def _setup(config: SupervisorConfig, workspaces: Workspaces) -> Setup:
    path = workspaces.user.reachable(os.environ.get("PATH", SYSTEM_PATH))
    return Setup(workspaces.user, workspaces.open_place(), path, config.agent_environ, config.arguments)


def _workspaces(config: SupervisorConfig) -> Workspaces:
    user = agent_user(config.agent_user)
    try:
        # Whether the agent's user may enter the home can be told of one that is there only.
        config.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"the home {config.home} cannot be made: {error.strerror}") from error
    return Workspaces(config.home, user, config.system_place)
