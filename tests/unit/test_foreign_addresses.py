"""Addresses that are not on the open web are refused, however they are written."""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchkeeper.domain.foreign_addresses import AddressRefused, ForeignUrl, name_refusal, refusal
from watchkeeper.domain.refused_networks import REFUSED_NETWORKS

FORMS = tomllib.loads((Path(__file__).parents[1] / "refused_addresses.toml").read_text(encoding="utf-8"))
URLS = [
    *(f"http://{host}/" for group in FORMS.values() for host in group.get("hosts", [])),
    *(url for group in FORMS.values() for url in group.get("urls", [])),
]


def why_refused(text: str) -> str | None:
    """Say why an address is refused before anything is asked of the network."""
    try:
        url = ForeignUrl.parse(text)
    except AddressRefused as refused:
        return str(refused)
    return name_refusal(url.host) if url.address is None else refusal(url.address)


@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_a_refused_form_is_refused_with_a_reason(url: str) -> None:
    """Each known way to write an address that is not on the open web is refused, and the reason is told."""
    assert why_refused(url)


def test_the_list_of_refused_forms_is_long() -> None:
    """The list holds at least 60 forms, none of them twice."""
    assert len(URLS) == len(set(URLS)) >= 60


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://EXAMPLE.org:80/A%20b?q=1#x", "http://example.org/A%20b?q=1#x"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org.:8443/?", "https://example.org:8443/?"),
        ("http://８.８.８.８/", "http://8.8.8.8/"),
        ("https://[2606:4700:4700:0::1111]:8443/a", "https://[2606:4700:4700::1111]:8443/a"),
        ("https://例え.jp/報告.html?名=1", "https://xn--r8jz45g.jp/%E5%A0%B1%E5%91%8A.html?%E5%90%8D=1"),
        ("https://bücher.example.org/", "https://xn--bcher-kva.example.org/"),
        ('https://example.org/"<>', "https://example.org/%22%3C%3E"),
        ("https://example.org/a@b:c", "https://example.org/a@b:c"),
    ],
)
def test_an_address_of_the_open_web_is_brought_to_one_form(text: str, read: str) -> None:
    """What people write is read as browsers read it: case, default port, full-width digits, international names."""
    assert str(ForeignUrl.parse(text)) == read
    assert why_refused(text) is None


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/b", "https://example.org/b#part"),
        ("b?x#other", "https://example.org/a/b?x#other"),
        ("../c", "https://example.org/c#part"),
        ("//example.com:8080", "https://example.com:8080/#part"),
        ("http://example.com/", "http://example.com/#part"),
    ],
)
def test_a_redirect_leads_where_a_browser_goes(location: str, leads_to: str) -> None:
    """A relative address is read from where it stands, and a fragment is kept unless another one comes."""
    assert str(ForeignUrl.parse("https://example.org/a/page#part").join(location)) == leads_to


@pytest.mark.parametrize(
    "location", ["//[::1", "http://[", "/a\tb", "\\\\127.0.0.1", "file:///x", "//user@a.org"]
)
def test_a_redirect_that_could_be_read_in_two_ways_is_refused(location: str) -> None:
    """What is not plainly an http(s) address leads nowhere."""
    with pytest.raises(AddressRefused):
        ForeignUrl.parse("https://example.org/a/page").join(location)


def test_an_overlong_address_is_refused() -> None:
    """An address of more than 4,096 characters is refused, also where a redirect makes it."""
    url = ForeignUrl.parse("http://example.org/" + "a" * 4000)
    with pytest.raises(AddressRefused, match="4096"):
        url.join("b" * 4090)


def test_every_refused_network_is_refused_to_its_ends() -> None:
    """The first and the last address of each row of the deny table are refused, with the row's source."""
    for refused in REFUSED_NETWORKS:
        network: IPv4Network | IPv6Network = refused.network
        for address in (network.network_address, network.broadcast_address):
            assert refusal(address), address
    assert "RFC 1918" in (refusal("10.1.2.3") or "")
    assert "metadata" in (refusal("169.254.169.254") or "")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.128.0.0", "2606:4700:4700::1111"]
)
def test_a_public_address_is_not_refused(address: str) -> None:
    """The deny table keeps nobody from the open web."""
    assert refusal(address) is None


@pytest.mark.parametrize(
    "text", ["fe80::1%eth0", "2606::1%1", "localhost", "", "127.1", "8.8.8.8 ", "1.2.3.4/8", 134744072]
)
def test_what_is_no_plain_address_is_refused(text: object) -> None:
    """An address with an interface, a name or a number is no address to connect to."""
    assert refusal(text)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(v=6, network="2000::/4")))
def test_what_is_not_refused_is_public_by_python_too(address: IPv4Address | IPv6Address) -> None:
    """No address passes that the standard library does not call global, or that carries another one inside."""
    if refusal(address) is not None:
        return
    assert address.is_global
    assert not address.is_multicast
    assert not address.is_reserved
    if isinstance(address, IPv6Address):
        assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


HOSTS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789.xXaAfF:[]%@#/\\?。．１２７ⓁⒸ-_", max_size=24),
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.integers(0, 2**33).map(str),
    st.integers(0, 2**33).map(hex),
    st.integers(0, 2**33).map(lambda number: f"0{number:o}"),
)


@given(HOSTS)
@example("127.0.0.1")
@example("8.8.8.8")
@example("xn--")
def test_whatever_is_written_is_refused_or_public(host: str) -> None:
    """Any text between the slashes is refused, is a public address, or is a name that is asked of the resolver."""
    try:
        url = ForeignUrl.parse(f"http://{host}/")
    except AddressRefused:
        return
    assert ForeignUrl.parse(str(url)) == url
    assert url.host.isascii()
    if url.address is not None:
        assert refusal(url.address) is not None or ip_address(url.host).is_global
    else:
        assert not url.host.rpartition(".")[2].isdecimal()


@given(st.text(max_size=40), st.text(max_size=40))
def test_wherever_a_redirect_leads_is_read_alike_again(host: str, location: str) -> None:
    """A redirect is refused or leads to an address that reads the same when it is read once more."""
    try:
        url = ForeignUrl.parse("https://example.org/a").join(location)
    except AddressRefused:
        return
    assert ForeignUrl.parse(str(url)) == url
