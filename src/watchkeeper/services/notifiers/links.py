"""The buttons that need nobody to act on them: they open a page."""

from __future__ import annotations

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alert_templates import WORDS
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.services.notifiers.port import Address, Button, Message


class LinkButtons:
    """Opens the page that a message is about, where there is one."""

    async def buttons_for(self, to: Address, kind: str, message: Message) -> tuple[Button, ...]:  # noqa: ARG002
        if message.link is None:
            return ()
        words = WORDS["review" if message.moment is Moment.APPROVAL else "open"]
        return (Button(dict(zip(MessageLanguage, words, strict=True)), url=message.link, style="primary"),)
