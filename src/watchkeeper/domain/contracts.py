"""Result contracts: what a job owes before it may be called completed. docs/reference/result-contract.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from watchkeeper.domain.artifacts import OPENABLE, ArtifactKind, normalise_kind
from watchkeeper.domain.errors import InvalidContract, UsageError
from watchkeeper.domain.suggestions import did_you_mean, shown


class Publish(StrEnum):
    """Where the primary artifact must stand."""

    STORE = "store"
    EXTERNAL = "external"
    ANY = "any"


MAX_EXPECTED_FILES = 10_000
MAX_GLOBS = 1_000
MAX_GLOB_LENGTH = 300
_KEYS = ("required_kinds", "primary", "expected_files", "publish")
_PRIMARY_KEYS = ("kinds", "min_bytes")


@dataclass(frozen=True, slots=True)
class ResultContract:
    """What `complete` must bring. The default: an openable primary with a file list.

    `primary_kinds` None means that any kind may be primary; `expected_files` is a least count or globs.
    """

    required_kinds: tuple[ArtifactKind, ...] = ()
    primary_kinds: frozenset[ArtifactKind] | None = OPENABLE
    min_bytes: int = 1
    expected_files: int | tuple[str, ...] | None = None
    publish: Publish = Publish.ANY

    @classmethod
    def parse(cls, given: object) -> ResultContract:
        """Read a contract from parsed JSON; an empty object is the default. Raises InvalidContract."""
        fields = _mapping(given, "a result contract", _KEYS)
        kinds, min_bytes = _primary(fields.get("primary"))
        return cls(
            required_kinds=_kinds(fields.get("required_kinds"), "required_kinds"),
            primary_kinds=kinds,
            min_bytes=min_bytes,
            expected_files=_expected_files(fields.get("expected_files")),
            publish=_publish(fields.get("publish")),
        )

    @property
    def takes_any_primary(self) -> bool:
        return self.primary_kinds is None

    @property
    def asks_for_openable(self) -> bool:
        """Say whether the default rule holds: the primary is something that a person can open."""
        return self.primary_kinds == OPENABLE

    def to_json(self) -> dict[str, Any]:
        """Give the contract as `parse` reads it, every key present but those that ask for nothing."""
        primary: dict[str, Any] | Literal["any"] = "any"
        if self.primary_kinds is not None:
            kinds = sorted(kind.value for kind in self.primary_kinds)
            primary = {"kinds": kinds, "min_bytes": self.min_bytes}
        contract: dict[str, Any] = {
            "required_kinds": [kind.value for kind in self.required_kinds],
            "primary": primary,
            "publish": self.publish.value,
        }
        if self.expected_files is not None:
            count_or_globs = self.expected_files
            contract["expected_files"] = (
                count_or_globs if isinstance(count_or_globs, int) else [*count_or_globs]
            )
        return contract


def _mapping(given: object, what: str, keys: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidContract(f"{what} is an object, not {shown(given)}")
    for key in given:
        if key not in keys:
            raise InvalidContract(
                f"{what} has no key {shown(key)}; {did_you_mean(str(key), keys)}", key=str(key)
            )
    return given


def _primary(given: object) -> tuple[frozenset[ArtifactKind] | None, int]:
    if given is None:
        return OPENABLE, 1
    if given == "any":
        return None, 1
    if isinstance(given, str):
        raise InvalidContract(f"'primary' is \"any\" or an object, not {shown(given)}", key="primary")
    fields = _mapping(given, "'primary' of a result contract", _PRIMARY_KEYS)
    min_bytes = _count(fields.get("min_bytes", 1), "primary.min_bytes", least=1, most=2**40)
    if fields.get("kinds") is None:
        return OPENABLE, min_bytes
    kinds = _kinds(fields["kinds"], "primary.kinds")
    if not kinds:
        raise InvalidContract(
            "'primary.kinds' is empty; leave it out for every openable kind", key="primary.kinds"
        )
    if ArtifactKind.PLS_FILE in kinds:
        raise InvalidContract("pls_file is local to one machine and is never primary", key="primary.kinds")
    return frozenset(kinds), min_bytes


def _kinds(given: object, key: str) -> tuple[ArtifactKind, ...]:
    if given is None:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise InvalidContract(f"'{key}' is a list of artifact kinds, not {shown(given)}", key=key)
    try:
        return tuple(dict.fromkeys(normalise_kind(kind) for kind in given))
    except UsageError as error:
        raise InvalidContract(f"'{key}': {error.message}", key=key) from None


def _expected_files(given: object) -> int | tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, int):
        return _count(given, "expected_files", least=1, most=MAX_EXPECTED_FILES)
    if not isinstance(given, Sequence) or isinstance(given, str | bytes) or not given:
        raise InvalidContract(
            f"'expected_files' is a count or a list of file names and globs, not {shown(given)}",
            key="expected_files",
        )
    if len(given) > MAX_GLOBS:
        raise InvalidContract(f"'expected_files' has more than {MAX_GLOBS} globs", key="expected_files")
    for glob in given:
        if not isinstance(glob, str) or not glob.strip() or len(glob) > MAX_GLOB_LENGTH or "\0" in glob:
            message = (
                f"a glob of 'expected_files' is text of 1 to {MAX_GLOB_LENGTH} characters, not {shown(glob)}"
            )
            raise InvalidContract(message, key="expected_files")
    return tuple(dict.fromkeys(given))


def _publish(given: object) -> Publish:
    if given is None:
        return Publish.ANY
    if isinstance(given, str) and given in {place.value for place in Publish}:
        return Publish(given)
    raise InvalidContract(f"'publish' is one of store, external, any; not {shown(given)}", key="publish")


def _count(given: object, key: str, least: int, most: int) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise InvalidContract(
            f"'{key}' is a whole number from {least} to {most}, not {shown(given)}", key=key
        )
    return given
