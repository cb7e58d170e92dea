"""Alerts in words: shipped templates, or a person's own in a sandbox; a broken one falls back to the plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.alert_templates import TEMPLATES, said
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.logs import log

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

MAX_LINES = 60
MAX_PROBLEM_CHARS = 200

OwnTemplates = Mapping[Moment, Mapping[MessageLanguage, str]]


@dataclass(frozen=True, slots=True)
class Written:
    """A message in words. `problem`: why a person's own template could not be used."""

    title: str
    lines: tuple[str, ...]
    problem: str | None = None


class AlertTexts:
    """Writes messages. `own` gives the templates that the config document says, as they are in force."""

    def __init__(self, own: Callable[[], OwnTemplates]) -> None:
        self._own = own

    def write(
        self, moment: Moment, language: MessageLanguage, facts: Mapping[str, Any], plain: str
    ) -> Written:
        """Write one message; `plain` is the sentence that stays where a template is broken."""
        own = self._own().get(moment, {}).get(language)
        if own is None:
            return _parted(self._sandbox.render(TEMPLATES[language][moment], facts))
        try:
            written = _parted(self._sandbox.render(own, facts))
        except Exception as error:  # noqa: BLE001 - a template is a program of somebody else's
            problem = f"{type(error).__name__}: {error}"[:MAX_PROBLEM_CHARS]
        else:
            if written.title:
                return written
            problem = "it says nothing"
        log("template_broken", moment=moment.value, language=language.value, detail=problem)
        remark = said("broken", language, moment=moment.value, problem=" ".join(problem.split()))
        usual = _parted(self._sandbox.render(TEMPLATES[language][moment], facts))
        return Written(usual.title, (plain, remark), problem)

    @cached_property
    def _sandbox(self) -> _Sandbox:
        return _Sandbox()


class _Sandbox:
    """Runs templates without a way out: no attribute that begins with an underscore, nothing that changes a fact."""

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        from jinja2 import StrictUndefined
        from jinja2.exceptions import SecurityError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Frugal(ImmutableSandboxedEnvironment):
            """Multiplies nothing: a text times a billion is the shortest way to use up a machine."""

            intercepted_binops = frozenset({"*", "**"})

            def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
                raise SecurityError(f"a template does not use '{operator}'")

        return Frugal(undefined=StrictUndefined, autoescape=False)

    def render(self, template: str, facts: Mapping[str, Any]) -> str:
        return str(self._compiled(template).render(**facts))

    @cached_property
    def _compiled(self) -> Callable[[str], Any]:
        return lru_cache(maxsize=64)(self._environment.from_string)


def _parted(text: str) -> Written:
    lines = [line.strip() for line in text.splitlines() if line.strip()][:MAX_LINES]
    return Written(lines[0] if lines else "", tuple(lines[1:]))
