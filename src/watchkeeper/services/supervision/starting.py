"""How the turns of an attempt are begun: the first one with all that comes before it, and why one could not be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from watchkeeper.agents.session import Session, SessionError
from watchkeeper.domain.errors import ServerUnreachable, SettingError, UsageError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.endings import Ending, failed, nothing
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.preparing import FormerLives, Preparing
from watchkeeper.services.supervision.renewals import LeaseHold
from watchkeeper.services.supervision.server_link import Refused
from watchkeeper.services.supervision.turns import TimeUsedUp, TurnOrder, Turns

ASK_AGAIN_SECONDS = 1.0

T = TypeVar("T")


class Starting:
    """The beginnings of one attempt's turns. `cut_short` gives the end of an attempt that was interrupted meanwhile."""

    def __init__(
        self,
        means: Means,
        preparing: Preparing,
        turns: Turns,
        hold: LeaseHold,
        cut_short: Callable[[], Ending | None],
        contract: Callable[[], ContractSession],
    ) -> None:
        self._means = means
        self._preparing = preparing
        self._turns = turns
        self._hold = hold
        self._cut_short = cut_short
        self._contract = contract

    async def first(self) -> Session | Ending:
        """Begin the first turn."""
        return await self._tried(self._prepared())

    async def further(self, order: TurnOrder, otherwise: Ending | None = None) -> Session | Ending:
        """Begin a further turn; `otherwise` is the end to be told if that cannot be."""
        return await self._tried(self._turn(order), otherwise)

    async def _prepared(self) -> Session | Ending:
        former = await asyncio.to_thread(self._preparing.former)
        if self._means.adapter.converses:
            await self._insisted(self._preparing.ask_context)
        order = self._preparing.first_order(former)
        await asyncio.to_thread(self._turns.make_workspace, former.workspace if former else None)
        return await self._turn(order)

    async def _turn(self, order: TurnOrder) -> Session | Ending:
        """Start a turn with a job token of its own."""
        token = await self._insisted(lambda: self._means.desk.job_token(self._hold.job, self._hold.token))
        if (ending := self._cut_short()) is not None:
            return ending
        return await asyncio.to_thread(self._turns.start, order, token, self._contract())

    async def _insisted(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the server for as long as the lease may live."""
        while True:
            try:
                return await ask()
            except ServerUnreachable:
                if self._cut_short() is not None or boot_clock() >= self._hold.ends_at:
                    raise
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _tried(
        self, starting: Awaitable[Session | Ending], otherwise: Ending | None = None
    ) -> Session | Ending:
        try:
            return await starting
        except (TimeUsedUp, UsageError, FormerLives, Refused, OSError, SessionError, SettingError,
                ServerUnreachable) as error:  # fmt: skip
            log("turn_not_started", job=self._hold.job, detail=str(error))
            if isinstance(error, Refused) and error.stale:
                return nothing(error.message)
            return otherwise or _ending_for(error)


def _ending_for(error: Exception) -> Ending:
    match error:
        case TimeUsedUp():
            return failed("hard_cap: earlier turns used up the attempt's time")
        case UsageError():
            return failed(error.message)
        case FormerLives():
            text = "processes of a former attempt at this job still live on this machine"
        case Refused():
            text = f"the job could not be started: {error.message}"
        case _:
            text = f"the session could not be started: {error}"
    return failed(text, AttemptCause.INFRASTRUCTURE)
