"""Posts to URLs that clients named: security 62 and 63, and answers that would cost too much."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from called_server import HOST, CalledServer, answer, called
from gateway_fakes import ManualClock
from service_fakes import looped

from gateway.egress import call_client as client_module
from gateway.egress.call_client import MAX_ANSWER, MOST_ADDRESSES, CallClient, CallFailed

LOOPBACK = [ip_network("127.0.0.0/8")]
BODY, HEADERS = b"id=1&phone=79990000001", {"Content-Type": "application/x-www-form-urlencoded"}


class FakeNames:
    """A resolver with a table; remembers what it was asked."""

    def __init__(self, **names: list[str] | OSError) -> None:
        self.names: dict[str, list[str] | OSError] = {
            name.replace("_", "."): it for name, it in names.items()
        }
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        found = self.names.get(host, OSError(-2, "Name or service not known"))
        if isinstance(found, OSError):
            raise found
        return found


@asynccontextmanager
async def client_with(
    networks: Any = LOOPBACK, clock: ManualClock | None = None, **options: Any
) -> AsyncIterator[CallClient]:
    client = CallClient(networks, clock or ManualClock(), **options)
    try:
        yield client
    finally:
        await client.close()


async def fails(client: CallClient, url: str) -> str:
    with pytest.raises(CallFailed) as failed:
        await client.post(url, BODY, HEADERS)
    return str(failed.value)


@looped
async def test_a_post_arrives_as_it_was_given() -> None:
    async with called() as server, client_with() as client:
        assert await client.post(f"{server.url}/é?a=%EF%F0+x", BODY, {**HEADERS, "X-Signature": "t=1"}) == 200
        (came,) = server.came
        assert (came.method, came.path, came.body) == ("POST", "/h/%C3%A9?a=%EF%F0+x", BODY)
        assert came.headers["host"] == f"{HOST}:{server.port}"
        assert came.headers["content-type"] == HEADERS["Content-Type"]
        assert came.headers["x-signature"] == "t=1"
        assert came.headers["user-agent"] == "smsc-gateway"
        assert "cookie" not in came.headers


@pytest.mark.parametrize("status", [204, 404, 410, 500])
@looped
async def test_any_status_is_an_answer(status: int) -> None:
    async with called(CalledServer(status)) as server, client_with() as client:
        assert await client.post(server.url, BODY, HEADERS) == status


@looped
async def test_connections_are_kept_for_the_next_call() -> None:
    async with called() as server, client_with() as client:
        for _ in range(3):
            await client.post(server.url, BODY, HEADERS)
        assert server.connections == 1


@looped
async def test_a_kept_connection_that_is_dead_costs_no_call() -> None:
    async with called() as server, client_with() as client:
        await client.post(server.url, BODY, HEADERS)
        server.answers.append(None)  # it reads the second request, and hangs up
        assert await client.post(server.url, BODY, HEADERS) == 200
        assert server.connections == 2


@looped
async def test_no_answer_on_a_new_connection_is_a_failure() -> None:
    async with called(CalledServer(None)) as server, client_with() as client:
        assert "broke off" in await fails(client, server.url)
        assert len(server.came) == 1


# -- security 62: where a call may go --------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//example.org/",
        "example.org",
        "http:/example.org",
        "http:///x",
        "http://user:secret@example.org/",
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1\\@example.org/",
        "http://example.org\t/",
        "http://exa mple.org/",
        "http://example.org/\r\nX: y",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://example.org:http/",
        "http://[fe80::1%25lo]/",
        "http://[::1/",
        "http://exa%6dple.org/",
        "http://" + "a" * 3000,
        "",
    ],
)
@looped
async def test_security_62_only_plain_urls_are_called(url: str) -> None:
    names = FakeNames()
    async with client_with(resolve=names) as client:
        reason = await fails(client, url)
        assert reason.startswith("its URL cannot be called: ")
        assert "secret" not in reason
        assert names.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
@looped
async def test_security_62_this_machine_is_not_called_however_it_is_written(host: str) -> None:
    async with called() as server, client_with([]) as client:
        reason = await fails(client, f"http://{host}:{server.port}/")
        assert "is not called: it is not public" in reason or "was not found" in reason
        assert server.connections == 0


@looped
async def test_security_62_a_name_that_leads_inside_is_not_called() -> None:
    names = FakeNames(a_example_org=["169.254.169.254"], b_example_org=["10.0.0.1", "::1"], c_example_org=[])
    async with client_with([], resolve=names) as client:
        assert await fails(client, "http://a.example.org/") == (
            "its address 169.254.169.254 is not called: it is not public, and not in http.call_networks"
        )
        assert "10.0.0.1" in await fails(client, "http://b.example.org/")
        assert "no address" in await fails(client, "http://c.example.org/")
        assert "was not found (Name or service not known)" in await fails(client, "http://d.example.org/")


@looped
async def test_security_62_what_a_client_has_named_is_public_whatever_the_operator_allows() -> None:
    async with called() as server, client_with(LOOPBACK) as client:
        url = f"http://{HOST}:{server.port}/"
        with pytest.raises(CallFailed, match="sub-client"):
            await client.post(url, BODY, HEADERS, by_operator=False)
        assert server.came == []
        assert await client.post(url, BODY, HEADERS) == 200  # and a kept connection opens no door
        with pytest.raises(CallFailed, match="sub-client"):
            await client.post(url, BODY, HEADERS, by_operator=False)


@looped
async def test_security_62_of_several_addresses_only_good_ones_are_tried() -> None:
    names = FakeNames(x_example_org=["10.0.0.1", "169.254.169.254", HOST])
    async with called() as server, client_with(resolve=names) as client:
        assert await client.post(f"http://x.example.org:{server.port}/", BODY, HEADERS) == 200
        assert server.came[0].headers["host"] == f"x.example.org:{server.port}"


@looped
async def test_security_62_a_good_address_that_is_dead_is_no_way_to_a_bad_one() -> None:
    names, only = FakeNames(x_example_org=["127.0.0.9", HOST]), [ip_network("127.0.0.9")]
    async with called() as server, client_with(only, resolve=names) as client:
        assert "efused" in await fails(client, f"http://x.example.org:{server.port}/")
        assert not server.came


@looped
async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    names = FakeNames(x_example_org=["127.0.0.9", HOST])
    async with called() as server, client_with(resolve=names) as client:
        assert await client.post(f"http://x.example.org:{server.port}/", BODY, HEADERS) == 200


@looped
async def test_few_addresses_of_a_host_are_tried() -> None:
    dead = [f"127.0.0.{n}" for n in range(2, 2 + MOST_ADDRESSES)]
    async with called() as server, client_with(resolve=FakeNames(x_example_org=[*dead, HOST])) as client:
        assert "efused" in await fails(client, f"http://x.example.org:{server.port}/")


@looped
async def test_security_63_a_name_that_changes_between_check_and_connection_changes_nothing() -> None:
    """Each question has another answer; whatever is connected to was checked."""

    class Rebinding(FakeNames):
        async def __call__(self, host: str) -> list[str]:
            self.asked.append(host)
            return [HOST] if len(self.asked) % 2 else ["10.0.0.1"]

    names, clock = Rebinding(), ManualClock()
    async with called() as server, client_with(clock=clock, resolve=names) as client:
        url = f"http://x.example.org:{server.port}/"
        assert await client.post(url, BODY, HEADERS) == 200
        assert names.asked == ["x.example.org"], "it is looked up once for the check and the connection"
        clock.advance(60)
        assert "10.0.0.1 is not called" in await fails(client, url)
        clock.advance(60)
        assert await client.post(url, BODY, HEADERS) == 200
        assert len(server.came) == 2


@looped
async def test_an_answer_of_the_resolver_is_used_for_a_moment() -> None:
    names, clock = FakeNames(x_example_org=[HOST]), ManualClock()
    async with called() as server, client_with(clock=clock, resolve=names) as client:
        for _ in range(5):
            await client.post(f"http://x.example.org:{server.port}/", BODY, HEADERS)
        assert len(names.asked) == 1
        clock.advance(11)
        await client.post(f"http://x.example.org:{server.port}/", BODY, HEADERS)
        assert len(names.asked) == 2


@looped
async def test_security_63_redirects_are_not_followed() -> None:
    async with called() as server, client_with() as client:
        server.answers.append(answer("302 Found", f"Location: http://{HOST}:{server.port}/inside"))
        assert await client.post(server.url, BODY, HEADERS) == 302
        assert len(server.came) == 1


@looped
async def test_cookies_are_not_kept_and_proxies_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with called() as server, client_with() as client:
        server.usual = answer("200 OK", "Set-Cookie: a=b")
        for _ in range(2):
            assert await client.post(server.url, BODY, HEADERS) == 200
        assert "cookie" not in server.came[1].headers


# -- answers that would cost too much ----------------------------------------------------------------------


@looped
async def test_of_a_long_answer_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BODY_S", 60.0)
    async with called() as server, client_with(deadline_s=5.0) as client:
        server.answers.append(answer(length=1 << 40, body=b"x" * (MAX_ANSWER + 300_000)))
        assert await client.post(server.url, BODY, HEADERS) == 200
        assert await client.post(server.url, BODY, HEADERS) == 200
        assert server.connections == 2


@looped
async def test_a_body_that_never_ends_does_not_hold_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BODY_S", 0.05)
    async with called() as server, client_with() as client:
        server.answers.append(answer(length=100, body=b"x"))
        assert await client.post(server.url, BODY, HEADERS) == 200


@looped
async def test_an_answer_has_a_deadline() -> None:
    async with called() as server, client_with(deadline_s=0.2) as client:
        server.answers.append(asyncio.Event())
        assert await fails(client, server.url) == "no answer within 0.2 s"


@looped
async def test_a_slow_resolver_has_the_same_deadline_and_is_asked_once() -> None:
    class Slow(FakeNames):
        async def __call__(self, host: str) -> list[str]:
            await super().__call__(host)
            return await asyncio.get_running_loop().create_future()

    names = Slow(x_example_org=[HOST])
    async with client_with(resolve=names, deadline_s=0.05) as client:
        assert await fails(client, "http://x.example.org/") == "no answer within 0.05 s"
        assert await fails(client, "http://x.example.org/") == "no answer within 0.05 s"
        assert names.asked == ["x.example.org"]


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=["nonsense", "status", "length", "headers", "header", "ssh"],
)
@looped
async def test_what_is_no_answer_is_a_failure(octets: bytes) -> None:
    async with called() as server, client_with(deadline_s=5) as client:
        server.usual = octets
        assert "broke off" in await fails(client, server.url)


@looped
async def test_a_closed_port_is_a_failure_with_the_system_s_words() -> None:
    async with called() as server:
        pass
    async with client_with() as client:
        assert await fails(client, server.url) == "Connection refused"


# -- TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of x.example.org with its key in one file."""
    openssl = shutil.which("openssl")
    assert openssl, "needs openssl"
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = f"-subj /CN=x -addext subjectAltName=DNS:x.example.org -keyout {file}.key -out {file}"
    subprocess.run([*command.split(), *names.split()], check=True, capture_output=True)
    return file


@pytest.mark.parametrize(
    ("host", "goes"),
    [("x.example.org", True), ("x.example.org.", True), ("y.example.org", False), (HOST, False)],
)
@looped
async def test_tls_is_verified_against_the_name(pem: Path, host: str, goes: bool) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem, f"{pem}.key")
    ours = ssl.create_default_context(cafile=str(pem))
    names = FakeNames(x_example_org=[HOST], x_example_org_=[HOST], y_example_org=[HOST])
    async with called(tls=theirs) as server, client_with(resolve=names, tls=ours) as client:
        url = f"https://{host}:{server.port}/"
        if goes:
            assert await client.post(url, BODY, HEADERS) == 200
        else:
            assert "certificate is not valid" in await fails(client, url)
            assert server.came == []


@looped
async def test_a_certificate_that_nobody_vouches_for_is_refused(pem: Path) -> None:
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem, f"{pem}.key")
    async with called(tls=theirs) as server, client_with(resolve=FakeNames(x_example_org=[HOST])) as client:
        assert "certificate is not valid" in await fails(client, f"https://x.example.org:{server.port}/")
        assert server.came == []
