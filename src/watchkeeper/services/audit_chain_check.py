"""Checks one seal after the other: its form, its signature, its link to the one before."""

from __future__ import annotations

from watchkeeper.domain.audit_chain import (
    BEFORE_ALL,
    CHAIN_START,
    DIGEST_BYTES,
    HASH_VERSION,
    SEAL_TAG,
    Position,
    Seal,
    SignedSeal,
)
from watchkeeper.domain.audit_findings import Finding, Verification, What
from watchkeeper.services.audit_keys import TrustedKeys


class ChainCheck:
    """Walks the chain from its begin, or from behind a seal that a file begins with.

    `certain` is false behind a seal that is missing or false, until the next that is genuine: what rows there belong to
    is then not known.
    """

    def __init__(self, keys: TrustedKeys, report: Verification) -> None:
        self._keys = keys
        self._report = report
        self.number = 0
        self.hash: bytes | None = CHAIN_START
        self.last: Position = BEFORE_ALL
        self.rows: int | None = 0
        self.certain = True
        self._untrusted: set[str] = set()

    def begin_before(self, seal: Seal) -> None:
        """Take for granted what came before a seal: a file holds a part of the chain."""
        self.number, self.hash, self.rows = seal.number - 1, seal.previous_hash, seal.rows_before

    def admit(self, signed: SignedSeal) -> bool:
        """Check the next seal; say whether a trusted key signed all that it says, so that rows can be held to it."""
        seal = signed.seal
        digest = seal.hash()
        follows = seal.number == self.number + 1
        if not follows:
            self.find(
                What.SEAL_MISSING, seal.number, f"seals {self.number + 1} to {seal.number - 1} are not there"
            )
        genuine = self._keys.signed(seal.key_id, signed.signature, SEAL_TAG, digest)
        if genuine:
            self._check_links(seal, digest, signed.hash, follows=follows)
        else:
            self._say_why_not(signed, digest)
        self.certain = (self.certain and follows) if genuine else False
        self.number, self.hash = seal.number, digest if genuine else None
        self.rows = seal.rows_before + seal.row_count if genuine else None
        self._report.seals += 1
        return genuine

    def passed(self, seal: Seal) -> None:
        """Say that the rows of a genuine seal have been looked at: from its end on, places are certain again."""
        self.last, self.certain = seal.last, True

    def _check_links(self, seal: Seal, digest: bytes, stored: bytes, *, follows: bool) -> None:
        if digest != stored:
            self.find(What.SEAL_EDITED, seal.number, "its stored hash was changed")
        if follows and self.hash is not None and seal.previous_hash != self.hash:
            self.find(
                What.CHAIN_FORKED, seal.number, f"it follows another seal {seal.number - 1} than this one"
            )
        if follows and self.rows is not None and seal.rows_before != self.rows:
            self.find(
                What.CHAIN_FORKED,
                seal.number,
                f"it counts {seal.rows_before} rows before it, not {self.rows}",
            )

    def _say_why_not(self, signed: SignedSeal, digest: bytes) -> None:
        seal = signed.seal
        if seal.hash_version != HASH_VERSION:
            detail = f"its hash version is {seal.hash_version}; this program knows {HASH_VERSION}"
            self.find(What.SEAL_EDITED, seal.number, detail)
        elif len(seal.row_hashes) != seal.row_count * DIGEST_BYTES or digest != signed.hash:
            self.find(
                What.SEAL_EDITED, seal.number, f"it is not what was signed; its rows end at {seal.last}"
            )
        elif seal.key_id not in self._keys:
            self._find_untrusted(seal)
        else:
            self.find(What.SEAL_UNSIGNED, seal.number, f"its signature is not of key {seal.key_id}")

    def _find_untrusted(self, seal: Seal) -> None:
        """Name a key once, at its first seal: where it is only missing here, one step mends all of its seals."""
        if seal.key_id in self._untrusted:
            return
        self._untrusted.add(seal.key_id)
        detail = (
            f"it and maybe more are signed with key {seal.key_id}, which is not trusted here: "
            "if it is yours, add its line of the former home's audit-keys.pub to this one's"
        )
        self.find(What.SEAL_UNSIGNED, seal.number, detail)

    def find(self, what: What, number: int, detail: str) -> None:
        self._report.add(Finding(what, detail, seal=number))
