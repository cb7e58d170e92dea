"""Acts whose route takes more than a flat list of fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.operator_replies import ReplyKey
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedAct(Act):
    """A field named `part.name` becomes the key `name` of the object `part`."""

    def body(self, form: Mapping[str, str], target: Mapping[str, str], visit: Visit) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, value in Act.body(self, form, target, visit).items():
            part, dot, inner = name.partition(".")
            if dot:
                told.setdefault(part, {})[inner] = value
            else:
                told[name] = value
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyAct(Act):
    """The keys of an operator's reply become the one line that such a reply is."""

    into: str

    def body(self, form: Mapping[str, str], target: Mapping[str, str], visit: Visit) -> dict[str, Any]:
        told = Act.body(self, form, target, visit)
        said = {key: str(told.pop(key)) for key in ReplyKey if key in told}
        # A value ends where the next key begins.
        line = "; ".join(f"{key}={value.replace(';', ',')}" for key, value in said.items())
        return {**told, self.into: line}
