"""Lease profiles and tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.errors import SettingError, StaleLease
from watchkeeper.domain.leases import RUNTIME, SESSION, LeaseProfile, LeaseToken, new_secret


@given(st.integers(0, 999_999_999))
def test_a_token_s_text_is_read_back(epoch: int) -> None:
    """What a claim hands out is what later calls are known by."""
    token = LeaseToken(epoch, new_secret())
    assert LeaseToken.parse(str(token)) == token
    assert len(token.secret_hash) == 32


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    """Whatever a caller sends as a token is either read or refused as stale, never an error of ours."""
    try:
        token = LeaseToken.parse(text)
    except StaleLease:
        return
    assert token.secret_hash


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".x", "-1.x", "1e3.x", "\u0661.x", "1.\ud800", "9999999999.x", " 1.x"]
)
def test_near_misses_are_stale(text: str) -> None:
    """Text that only looks like a token is refused as stale."""
    with pytest.raises(StaleLease):
        LeaseToken.parse(text)


@pytest.mark.parametrize(("lease", "renew"), [(60, 20.1), (60, 0), (60, -1), (1, 0.1)])
def test_a_renewal_that_is_too_seldom_is_refused(lease: int, renew: float) -> None:
    """Two lost renewals must not cost a job: settings that make them do so are refused with the figures."""
    with pytest.raises(SettingError, match="lease"):
        LeaseProfile("p", lease, renew)


def test_the_two_profiles_are_as_published() -> None:
    """Contract workers hold 15 minutes, runtime workers 60 seconds, renewed every 15."""
    assert (SESSION.lease_seconds, RUNTIME.lease_seconds, RUNTIME.renew_seconds) == (900, 60, 15)
