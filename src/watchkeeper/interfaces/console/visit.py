"""One request as the console sees it: who visits, in which language, time zone and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request

from watchkeeper.domain.errors import Unauthenticated
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.interfaces.console.acts.done import Done, last_done
from watchkeeper.interfaces.console.choices import chosen_theme, chosen_zone
from watchkeeper.interfaces.console.i18n import Language

FRAGMENT = "fragment"
"""The query parameter by which the script asks for a page's regions without the frame around them."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `principal` is None before login; `theme` is None where the system's is followed."""

    request: Request
    language: Language
    zone: ZoneInfo
    theme: str | None = None
    principal: Principal | None = None

    @classmethod
    def of(cls, request: Request, language: Language) -> Visit:
        return cls(request, language, chosen_zone(request.cookies), chosen_theme(request.cookies))

    def by(self, principal: Principal) -> Visit:
        return replace(self, principal=principal)

    @property
    def known(self) -> Principal:
        """Give who visits; raise Unauthenticated on a page that is open to all."""
        if self.principal is None:
            raise Unauthenticated
        return self.principal

    def may(self, right: Right) -> bool:
        """Say whether a button is shown; the server asks again when it is pressed."""
        return self.principal is not None and self.principal.may(right)

    def asked(self, name: str) -> str | None:
        """Give a filter of the address; an empty one is none."""
        return self.request.query_params.get(name) or None

    @property
    def done(self) -> Done | None:
        """Give what this browser did in the last minutes, to tell of it."""
        return None if self.principal is None else last_done(self.request.cookies)

    @property
    def wants_fragment(self) -> bool:
        return FRAGMENT in self.request.query_params

    def with_parameters(self, **changed: object) -> str:
        """Give the page's own address with other parameters; None takes one out, a kind that is given twice stays."""
        kept = [
            (name, value)
            for name, value in self.request.query_params.multi_items()
            if name not in {FRAGMENT, *changed}
        ]
        kept += [(name, str(value)) for name, value in changed.items() if value is not None]
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path

    @property
    def here(self) -> str:
        """The page's own address, to come back to; without what is no filter."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != FRAGMENT]
        return address(self.request.url.path, dict(kept))


def address(path: str, parameters: Mapping[str, object]) -> str:
    """Join a path and the parameters that say something."""
    # A template's "x if y" without an else is a value that prints as nothing.
    said = {name: text for name, value in parameters.items() if value is not None and (text := str(value))}
    return f"{path}?{urlencode(said)}" if said else path
