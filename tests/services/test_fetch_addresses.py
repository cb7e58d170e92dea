"""The gate connects to the open web and to what the installation allows, whatever an address or a name pretends."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.foreign_server import ForeignServer, always, answer, fetcher, got, pages, refused, serving
from watchkeeper.domain.allowed_hosts import AllowedHost
from watchkeeper.domain.evidence import GateCheck
from watchkeeper.services.fetch import FetchConfig, Fetcher
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.settings import Settings

FORMS = tomllib.loads((Path(__file__).parents[1] / "refused_addresses.toml").read_text(encoding="utf-8"))
SECRET = always(answer(b"secret"))


def allowing(server: ForeignServer, **options: object) -> Fetcher:
    return fetcher(f"127.0.0.1:{server.port}", **options)  # type: ignore[arg-type]


async def test_an_internal_host_is_fetched_only_where_it_is_allowed() -> None:
    """An address of this machine is refused unless the installation names it with this port; others stay refused."""
    async with serving(SECRET) as inside:
        assert (await refused(fetcher(), inside.url())).check is GateCheck.REFUSED_ADDRESS
        assert (
            await refused(fetcher(f"127.0.0.1:{inside.port + 1}"), inside.url())
        ).check is GateCheck.REFUSED_ADDRESS
        assert inside.connections == 0
        for allowed in (f"127.0.0.1:{inside.port}", "127.0.0.1", "127.0.0.0/8"):
            fetched, body = await got(fetcher(allowed), inside.url())
            assert (fetched.status, body) == (200, b"secret")


async def test_a_name_is_allowed_with_all_its_addresses() -> None:
    """An internal artifact host that is allowed by name is fetched wherever it is, and only by that name."""
    async with serving(SECRET) as inside:
        names = {"files.corp": ["127.0.0.1"], "other.corp": ["127.0.0.1"], "alias.example.org": ["127.0.0.1"]}
        asking = fetcher(f"files.corp:{inside.port}", names=names)
        assert (await got(asking, inside.url(host="FILES.corp.")))[1] == b"secret"
        for other in ("other.corp", "alias.example.org", "127.0.0.1"):
            assert (await refused(asking, inside.url(host=other))).check is GateCheck.REFUSED_ADDRESS
        assert inside.requests[0].headers["host"] == f"files.corp:{inside.port}"
        elsewhere = fetcher(f"files.corp:{inside.port + 1}", names=names)
        assert (await refused(elsewhere, inside.url(host="files.corp"))).check is GateCheck.REFUSED_ADDRESS
        assert inside.connections == 1


@pytest.mark.parametrize("group", ["loopback", "this_network"])
async def test_a_redirect_to_loopback_is_refused_in_every_notation(group: str) -> None:
    """A page that redirects to this machine is refused however it writes that, and nothing connects there."""
    forms = FORMS[group]["hosts"]
    async with serving(SECRET) as victim:
        targets = {
            f"/{number}": answer(b"", 302, location=f"http://{host}:{victim.port}/")
            for number, host in enumerate(forms)
            if not set(host) & set("\r\n\0")
        }
        async with serving(pages(targets)) as server:
            asking = allowing(server, names={"a.org": ["8.8.8.8"]})
            for path in targets:
                error = await refused(asking, server.url(path))
                assert error.check is GateCheck.REFUSED_ADDRESS, forms[int(path[1:])]
            assert server.targets == list(targets)
        assert victim.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%1",
    ],
)
async def test_a_name_is_refused_when_any_of_its_addresses_is(address: str) -> None:
    """A name with a public address first and a private one next is refused, and so is the other order."""
    for addresses in ([address], ["8.8.8.8", address], [address, "2606:4700:4700::1111"]):
        error = await refused(fetcher(names={"example.org": addresses}), "http://example.org/")
        assert error.check is GateCheck.REFUSED_ADDRESS
        assert "example.org" in error.detail


async def test_a_name_that_moves_after_it_was_vetted_is_connected_to_as_vetted() -> None:
    """A name is looked up once: what a second look would find, a private address, is never connected to."""
    answers: list[Sequence[str]] = [["127.0.0.1"], ["127.0.0.2"]]
    async with serving(always(answer(b"vetted"))) as server:

        async def rebinding(host: str, port: int) -> Sequence[str]:
            return answers.pop(0)

        allowed = AllowedHost.parse(f"127.0.0.1:{server.port}")
        asking = Fetcher(FetchConfig(allowed=(allowed,), resolve=rebinding))
        _, body = await got(asking, server.url(host="rebinding.example.org"))
        assert body == b"vetted"
        assert answers == [["127.0.0.2"]]
        assert server.requests[0].headers["host"] == f"rebinding.example.org:{server.port}"
        error = await refused(asking, server.url(host="rebinding.example.org"))
        assert error.check is GateCheck.REFUSED_ADDRESS
        assert server.connections == 1


async def test_a_redirect_to_the_same_name_is_vetted_again() -> None:
    """A name that moves to a private address between a redirect and its target is refused there."""
    answers: list[Sequence[str]] = [["127.0.0.1"], ["127.0.0.2"]]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    async with serving(always(answer(b"", 307, location="/next"))) as server:
        allowed = AllowedHost.parse(f"127.0.0.1:{server.port}")
        asking = Fetcher(FetchConfig(allowed=(allowed,), resolve=rebinding))
        error = await refused(asking, server.url(host="rebinding.example.org"))
        assert error.check is GateCheck.REFUSED_ADDRESS
        assert server.connections == 1


async def test_of_several_addresses_a_dead_one_is_passed_over() -> None:
    """Where the first address of a name does not answer, the next one is asked."""
    async with serving(always(answer(b"here"))) as server:
        asking = fetcher("127.0.0.0/8", names={"example.org": ["127.0.0.9", "127.0.0.1"]})
        assert (await got(asking, server.url(host="example.org")))[1] == b"here"


async def test_our_own_server_is_never_fetched(tmp_path: Path) -> None:
    """Our own listener is refused by every name and address, also where those are allowed, and behind a redirect."""
    async with serving(SECRET) as own, serving(pages({"/": answer(b"", 302, location=own.url())})) as server:
        settings = Settings(
            home=tmp_path,
            port=own.port,
            url="https://watch.example.org",
            fetch_allow=("127.0.0.0/8", "files.corp", "::1"),
        )
        names = {"files.corp": ["127.0.0.1"], "alias.example.org": ["::ffff:127.0.0.1"]}
        configured = fetch_config(settings)

        async def resolve(host: str, port: int) -> Sequence[str]:
            return names[host]

        asking = Fetcher(replace(configured, resolve=resolve))
        for url in (own.url(), own.url(host="127.0.0.5"), own.url(host="files.corp"), server.url()):
            error = await refused(asking, url)
            assert error.check is GateCheck.REFUSED_ADDRESS
            assert "our own server" in error.detail
        assert "our own" in (await refused(asking, "https://WATCH.example.org./login")).detail
        assert own.connections == 0
        assert (await got(asking, server.url("/other")))[0].status == 404


async def test_the_port_that_the_server_took_is_our_own(tmp_path: Path) -> None:
    """A server that took a free port is refused at that port, which its home tells."""
    async with serving(SECRET) as own:
        (tmp_path / "url").write_text(f"{own.url('')}\n")
        asking = Fetcher(fetch_config(Settings(home=tmp_path, port=0, fetch_allow=("127.0.0.1",))))
        assert "our own" in (await refused(asking, own.url())).detail
        assert own.connections == 0


async def test_proxies_of_the_environment_are_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Proxy settings and a .netrc change nothing: the address that was vetted is asked itself, without credentials."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with serving(SECRET) as proxy, serving(always(answer(b"page"))) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert (await got(allowing(server), server.url()))[1] == b"page"
        assert proxy.connections == 0
        assert set(server.requests[0].headers) == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "connection",
        }
        assert server.requests[0].headers["user-agent"].startswith("watchkeeper-gate/")


async def test_a_name_without_an_address_does_not_answer() -> None:
    """A name that leads nowhere is told apart from one that is refused, and so is a port where nobody listens."""
    asking = fetcher("127.0.0.1:1", names={"empty.example.org": []})
    for url in ("http://gone.example.org/", "http://empty.example.org/", "http://127.0.0.1:1/"):
        assert (await refused(asking, url)).check is GateCheck.HTTP_STATUS
