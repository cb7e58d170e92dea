"""What an act is: one row of a table, from which its page, its form, its call and its undo are made.

An act is always a route of the API, asked for in the visitor's name: rights, checks, the audit row and the refusal of
doing it twice are the route's own. Texts are English and are translated where they are shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import Right

if TYPE_CHECKING:
    from watchkeeper.interfaces.console.ground import Ground
    from watchkeeper.interfaces.console.visit import Visit
    from watchkeeper.interfaces.console.words import Badge

Kind = Literal["text", "area", "number", "check", "choice", "time", "hidden", "secret"]


@dataclass(frozen=True, slots=True)
class Field:
    """One input of an act's form, and the key of the route's body that it becomes; an empty one is left out."""

    name: str
    label: str
    kind: Kind = "text"
    options: tuple[tuple[str, str], ...] = ()
    default: str = ""
    is_required: bool = False
    hint: str = ""
    scale: float = 1
    """A number is sent as so many times what was typed."""

    def read(self, text: str, visit: Visit) -> Any:
        """Give what a browser sent as the route takes it; None for nothing. Raise UsageError for what is none."""
        match self.kind:
            case "check":
                return text != ""
            case "number" if text:
                return _number(text, self.scale)
            case "time" if text:
                return _time(text, visit)
        return text or None


def _number(text: str, scale: float) -> int | float:
    try:
        value = float(text) * scale
    except ValueError:
        raise UsageError(f"{text[:40]!r} is no number") from None
    return int(value) if value.is_integer() else value


def _time(text: str, visit: Visit) -> str:
    """Read a time of the form's clock as one of the visitor's zone."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=visit.zone).isoformat()
    except ValueError:
        raise UsageError(f"{text[:40]!r} is no time") from None


Fact = tuple[str, "str | datetime | Badge | None"]
"""A label, and a text, a time or a state."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an act's target is at this moment.

    `version` is another one whenever somebody who saw the target before should
    look again. `marks`: the ids by which audit rows name it. `project`: where they stand, if elsewhere.
    """

    name: str
    facts: tuple[Fact, ...] = ()
    version: str = ""
    marks: frozenset[str] = frozenset()
    project: str = ""


Look = Callable[["Ground", "Visit", str, Mapping[str, str]], Awaitable[Seen]]
"""Looks at a target: the ground, the visit, the project, and the target's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. `route` is the API's method and path; the names in braces, and `target`, come from the address.

    `plan` is what it does, `touches` its blast radius, `stays` what it leaves alone, `undo` what undoing would do (or
    why it cannot), `otherwise` what happens if nobody acts. `reverse` names the act that takes it back: an act with one
    needs no reason. `filters` are names of the target that may lack. `says` are constant parts of the body; `tells` is
    the key of the answer whose text is told afterwards. `of_whole`: it is about the installation, not a project.
    `is_gentle`: it cannot be taken back, yet harms nothing.
    """

    name: str
    route: str
    right: Right
    title: str
    plan: str
    touches: str
    stays: str
    undo: str
    otherwise: str
    look: Look
    target: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    says: Mapping[str, Any] = field(default_factory=dict)
    reason: Literal["body", "query", "none"] = "body"
    reverse: str | None = None
    is_rehearsed: bool = True
    of_whole: bool = False
    tells: str | None = None
    is_gentle: bool = False

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def template(self) -> str:
        return self.route.partition(" ")[2]

    @property
    def is_alarming(self) -> bool:
        """Say whether it takes something away for good, so that its button warns; what ends by itself does not."""
        return self.is_grave and not self.is_gentle

    @property
    def is_grave(self) -> bool:
        """Say whether it cannot be taken back, so that its page asks once more and wants a reason."""
        return self.reverse is None

    def path(self, target: Mapping[str, str]) -> tuple[str, str]:
        """Give the path that the route is asked by, as it is and as it is sent."""
        encoded = {name: quote(value, safe="") for name, value in target.items()}
        return self.template.format_map(target), self.template.format_map(encoded)

    def body(self, form: Mapping[str, str], target: Mapping[str, str], visit: Visit) -> dict[str, Any]:
        """Give what the route is sent: what is constant, what the target's names say beside the path, the fields."""
        beside = {name: value for name, value in target.items() if f"{{{name}}}" not in self.template}
        said = {one.name: one.read(form.get(one.name, "").strip(), visit) for one in self.fields}
        return {**self.says, **beside, **{name: value for name, value in said.items() if value is not None}}
