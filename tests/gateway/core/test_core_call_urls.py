"""URLs that clients want to be called at are read in one way or not at all (security 62)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.call_urls import MAX_URL, CallUrl, CallUrlError, parse_call_url

PIECES = st.sampled_from(
    [
        *"/?#@:[]\\ \t\r\n%.",
        "http",
        "https",
        "://",
        "127.0.0.1",
        "example.org",
        "[::1]",
        "user:pw@",
        "é",
        "//",
    ]
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("http://example.org", ("http", "example.org", 80, "/")),
        ("HTTPS://Example.ORG/A?b=C#d", ("https", "example.org", 443, "/A?b=C")),
        ("http://example.org?x=1", ("http", "example.org", 80, "/?x=1")),
        ("http://example.org#x", ("http", "example.org", 80, "/")),
        ("https://example.org:8443/!a=1?b=2", ("https", "example.org", 8443, "/!a=1?b=2")),
        ("http://[2001:DB8::1]:81/x", ("http", "2001:db8::1", 81, "/x")),
        ("http://192.0.2.1/", ("http", "192.0.2.1", 80, "/")),
        ("http://a_b-c.example./", ("http", "a_b-c.example.", 80, "/")),
        ("http://пример.example/путь", ("http", "xn--e1afmkfd.example", 80, "/%D0%BF%D1%83%D1%82%D1%8C")),
        ("http://example.org/@user", ("http", "example.org", 80, "/@user")),
        ("http://example.org/a//b", ("http", "example.org", 80, "/a//b")),
    ],
)
def test_what_is_read(text: str, read: tuple[object, ...]) -> None:
    assert parse_call_url(text) == read


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (CallUrl("http", "example.org", 80, "/s?secret"), "example.org"),
        (CallUrl("http", "example.org", 443, "/"), "example.org:443"),
        (CallUrl("https", "::1", 443, "/"), "[::1]"),
        (CallUrl("https", "::1", 1, "/"), "[::1]:1"),
    ],
)
def test_places_and_what_is_shown(url: CallUrl, place: str) -> None:
    assert url.place == place
    assert url.shown == f"{url.scheme}://{place}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://example.org/", "it does not begin with http:// or https://"),
        ("http://user:pw@example.org/", "it has a login in it"),
        ("http://example.org/a b", "it has spaces, control characters or backslashes in it"),
        ("http://exa!mple.org/", "it has no plain host and port"),
        ("http://example.org:99999/", "there is no such port"),
        ("http://example.org/\ud800", "it has characters that no URL has"),
    ],
)
def test_security_62_reasons(text: str, reason: str) -> None:
    with pytest.raises(CallUrlError, match=reason):
        parse_call_url(text)


def test_the_longest() -> None:
    start = "http://example.org/"
    assert parse_call_url(start.ljust(MAX_URL, "x")).rest == "/" + "x" * (MAX_URL - len(start))
    with pytest.raises(CallUrlError):
        parse_call_url(start.ljust(MAX_URL + 1, "x"))


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_security_62_what_passes_leads_to_one_host_whoever_reads_it(text: str) -> None:
    try:
        url = parse_call_url(text)
    except CallUrlError as error:
        assert "user:pw" not in str(error)
        return
    assert url.scheme in ("http", "https") and 1 <= url.port <= 65_535
    assert url.rest.startswith("/") and url.rest.isascii() and "#" not in url.rest
    assert not set(url.rest + url.host) & set("\\ \t\r\n")
    other = urlsplit(f"{url.shown}{url.rest}")
    assert (other.hostname, other.username) == (url.host, None)
    assume(text.isascii())
    assert urlsplit(text).hostname == url.host
