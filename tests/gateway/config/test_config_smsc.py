"""The sections about an SMSC service over HTTP: what good ones hold. The bad ones are vectors."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from yaml import Mark
from yaml.nodes import ScalarNode

from gateway.config.basics import Address, Option, TlsClient, Url
from gateway.config.load import load
from gateway.config.problems import ConfigError
from gateway.config.secret import Secret
from gateway.config.smsc_model import CallbackListener, SmscCallback, SmscConnector
from gateway.config.values import BadValueError, to_url

HTTPS = Url("https", "smscentre.com", 443)


def read(text: str) -> Url:
    mark = Mark("config.yaml", 0, 0, 0, "", 0)
    return to_url(ScalarNode("tag:yaml.org,2002:str", text, mark, mark), Option(doc=""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://smscentre.com", HTTPS),
        ("HTTPS://smscentre.com:443/", HTTPS),
        ("https://smscentre.com:8443/front/v1/", Url("https", "smscentre.com", 8443, "/front/v1")),
        ("http://[::1]", Url("http", "::1", 80)),
        ("http://[::1]:8081/~sms", Url("http", "::1", 8081, "/~sms")),
        ("http://192.0.2.1:80", Url("http", "192.0.2.1", 80)),
    ],
)
def test_a_url_is_taken_apart(text: str, expected: Url) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "smscentre.com",
            "//smscentre.com",
            "https:/smscentre.com",
            "https://",
            "https:///sys",
            "https://:443",
        ),
        *("https://::1", "https://[::1", "https://[smscentre.com]", "https://[::1]x", "https://1.2.3"),
        *("https://smscentre.com:", "https://smscentre.com:0", "https://smscentre.com:65536"),
        *("https://smscentre.com:x", "https://smscentre.com:-1", "https://smscentre.com:1234567"),
        *(
            "https://smscentre.com:4٤3",
            "https://смс.example",
            "https://a b",
            "https://a/b c",
            "https://a/%2e",
        ),
        *("https://a//b", "https://a/./b", "https://a/..", "https://a?b", "https://a#b", "https://a\\b"),
        *("ftp://a", "https://user@a", "https://user:word@a", "https://a\n.example"),
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(BadValueError):
        read(text)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(BadValueError) as caught:
        read("https://gateway:hunter2@smscentre.com")
    assert "hunter2" not in f"{caught.value.text} {caught.value.fix}"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (HTTPS, "https://smscentre.com"),
        (Url("https", "::1", 80, "/front"), "https://[::1]:80/front"),
        (Url("http", "127.0.0.1", 80), "http://127.0.0.1"),
    ],
)
def test_a_url_prints_as_it_may_be_written(url: Url, text: str) -> None:
    assert str(url) == text
    assert read(text) == url


def test_loopback_is_known_of_urls() -> None:
    assert Url("http", "::1", 80).is_loopback
    assert Url("http", "localhost", 80).is_loopback
    assert not HTTPS.is_loopback


def test_every_option_of_a_service_is_read(vectors: Path) -> None:
    config = load(vectors / "good" / "everything.yaml")
    centre, other = config.smsc_connectors
    assert centre == SmscConnector(
        name="centre",
        url=HTTPS,
        backup_urls=(Url("https", "www2.smscentre.com", 8443, "/prefix"), Url("http", "::1", 80)),
        login="gateway",
        password=Secret("secret"),
        tls=TlsClient(server_name="smscentre.com"),
        max_requests=3,
        list_max=50,
        rate=40,
        timeout_s=15,
        reconnect_max_s=16,
        balance_warning=100.5,
        prices="cost",
        incoming_account="0042",
        callback=SmscCallback(
            path="/smsc/centre",
            secret=Secret("my-secret_1"),
            hash="md5",
            allowed_addresses=(ip_network("192.0.2.0/24"),),
        ),
    )
    assert (other.api_key, other.login, other.password) == (Secret("secret"), "", None)
    assert config.listeners.callbacks == (
        CallbackListener(address=Address("127.0.0.1", 8080), max_connections=7, request_timeout_s=8),
    )
    assert config.accounts[0].service_messages is True


def over_http_only(vectors: Path) -> Path:
    """The minimal configuration with a service instead of an SMSC."""
    path = vectors / "good" / "minimal.yaml"
    lines = path.read_text().splitlines()
    start = lines.index("connectors:")
    lines[start : start + 2] = [
        "smsc_connectors: [{name: up, url: 'https://smscentre.com', login: gateway, password: secret}]"
    ]
    path.write_text("\n".join(lines))
    return path


def test_a_service_over_http_is_connector_enough(vectors: Path) -> None:
    config = load(over_http_only(vectors))
    assert config.connectors == ()
    [service] = config.smsc_connectors
    assert service == SmscConnector(name="up", url=HTTPS, login="gateway", password=Secret("secret"))
    assert (service.max_requests, service.list_max, service.timeout_s, service.callback) == (
        12,
        100,
        30,
        None,
    )
    assert config.routes[0].connectors == ("up",)


def test_a_world_readable_secret_may_open_loopback(vectors: Path) -> None:
    path = over_http_only(vectors)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=r"password: is a password in a file that can be read by everybody"):
        load(path)
    path.write_text(path.read_text().replace("https://smscentre.com", "http://127.0.0.1:8081"))
    assert load(path).smsc_connectors[0].password == Secret("secret")


def test_neither_secret_is_shown(vectors: Path) -> None:
    shown = repr(load(vectors / "good" / "everything.yaml").smsc_connectors)
    assert "my-secret_1" not in shown
    assert "********" in shown
