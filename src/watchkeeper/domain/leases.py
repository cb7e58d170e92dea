"""Leases: profiles, renewal, and the token that fences every write of a worker."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from watchkeeper.domain.errors import SettingError, StaleLease

SESSION_LEASE_SECONDS = 15 * 60
RUNTIME_LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class LeaseProfile:
    """How long a lease lasts and how often its holder renews it, in seconds.

    Raises SettingError where a renewal interval is over a third of the lease: two lost renewals must not cost a job.
    """

    name: str
    lease_seconds: int
    renew_seconds: float

    def __post_init__(self) -> None:
        if self.lease_seconds < 2:
            raise SettingError(f"a lease of {self.lease_seconds} s is too short; the least is 2 s")
        if not 0 < self.renew_seconds <= self.lease_seconds / 3:
            raise SettingError(
                f"renewing every {self.renew_seconds:g} s is too seldom for a lease of {self.lease_seconds} s; "
                f"use {self.lease_seconds / 3:g} s or less"
            )


SESSION = LeaseProfile("session", SESSION_LEASE_SECONDS, SESSION_LEASE_SECONDS / 3)
RUNTIME = LeaseProfile("runtime", RUNTIME_LEASE_SECONDS, RUNTIME_LEASE_SECONDS / 4)


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """The right to write to a job: its epoch, which only a claim raises, and a secret that cannot be guessed."""

    epoch: int
    secret: str

    @classmethod
    def parse(cls, text: str) -> LeaseToken:
        """Read what `str()` wrote; raise StaleLease for anything else, since no such lease can be live."""
        epoch, dot, secret = text.partition(".")
        if not (dot and secret and text.isascii() and epoch.isdigit() and len(epoch) <= 9):
            raise StaleLease("the lease token is not one of ours")
        return cls(int(epoch), secret)

    @property
    def secret_hash(self) -> bytes:
        return hash_secret(self.secret)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.secret}"


def new_secret() -> str:
    """Make 144 random bits as URL-safe text."""
    return secrets.token_urlsafe(18)


def hash_secret(secret: str) -> bytes:
    """Hash the random part of a token for storage: SHA-256, no salt needed for 144 random bits."""
    return hashlib.sha256(secret.encode()).digest()
