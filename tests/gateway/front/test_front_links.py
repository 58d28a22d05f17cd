"""Short links: which links are shortened, where they lead, which clicks count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from front_desk import FrontDesk, config_of
from gateway_fakes import NOW_MS, account_config
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.model import Config, Http
from gateway.core.http import HttpCall, HttpReply
from gateway.front import links
from gateway.front.desk import ApiProblem
from gateway.front.links import code_of, link_id_of, links_app, shorten, stored_form

MakeDesk = Callable[[Config], FrontDesk]
DAY = NOW_MS // 86_400_000


@pytest.fixture
def desk(make_desk: MakeDesk) -> FrontDesk:
    return make_desk(config_of(account_config(time_zone="Asia/Tokyo"), account_config(system_id="other")))


def call(path: str, method: str = "GET", peer: str = "192.0.2.1", **headers: str) -> HttpCall:
    named: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpCall(method, path, "", named, b"", peer, is_tls=False)


def asking(desk: FrontDesk) -> Callable[..., HttpReply]:
    """Calls the app, whose counts stay between the calls."""
    app: Callable[[HttpCall], Awaitable[Any]] = links_app(desk)

    def ask(path: str, method: str = "GET", peer: str = "192.0.2.1", **headers: str) -> HttpReply:
        async def run() -> HttpReply:
            desk.journal.flush()
            reply: HttpReply = await app(call(path, method, peer, **headers))
            return reply

        return asyncio.run(run())

    return ask


def path_of(short: str) -> str:
    return short.removeprefix("https://s.example.org")


def header(reply: HttpReply, name: str) -> str | None:
    return dict(reply.headers).get(name)


# -- made -------------------------------------------------------------------------------------------


def test_a_link_is_shortened_and_kept_with_the_batch(desk: FrontDesk) -> None:
    short = shorten(desk, "app", "https://example.org/a?b=c#d", 17)
    [(link_id, account, url, created_ms, message_id)] = desk.journal.batch.short_links
    assert short == f"https://s.example.org/l/{code_of(link_id)}"
    assert len(short) <= len("https://s.example.org/l/") + 9
    assert (account, url, created_ms, message_id) == ("app", "https://example.org/a?b=c#d", NOW_MS, 17)


def test_each_link_has_a_code_of_its_own(desk: FrontDesk) -> None:
    assert len({shorten(desk, "app", "https://example.org/") for _ in range(100)}) == 100


def test_a_short_link_is_not_shortened_again(desk: FrontDesk) -> None:
    short = shorten(desk, "app", "https://example.org/")
    assert shorten(desk, "app", short) == short
    assert len(desk.journal.batch.short_links) == 1


def test_without_an_address_for_links_none_is_made(make_desk: MakeDesk) -> None:
    desk = make_desk(config_of(http=Http()))
    with pytest.raises(ApiProblem) as problem:
        shorten(desk, "app", "https://example.org/")
    assert (problem.value.number, "http.links" in problem.value.text) == (1, True)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://EXAMPLE.org:8443/A%20b", "https://example.org:8443/A%20b"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"),
        ("https://пример.example/путь?и=ещё", None),
        ('https://example.org/"<x>', "https://example.org/%22%3Cx%3E"),
    ],
)
def test_a_link_is_kept_in_ascii(url: str, stored: str | None) -> None:
    found = stored_form(url)
    assert found.isascii()
    assert stored is None or found == stored
    assert stored_form(found) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://example.org\r\nSet-Cookie: a=b",
        "https://example.org/\x00",
        "https://example.org/a b",
        "https://example.org/\u2028",
        "https://example.org\\@192.0.2.1/",
        "https://user:word@example.org/",
        "https://example.org:99999/",
        "https://[::1/",
        "https://exa<mple.org/",
        "https://example.org/\ud800",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_what_is_no_link_is_refused(url: str) -> None:
    with pytest.raises(ApiProblem) as problem:
        stored_form(url)
    assert problem.value.number == 1


@given(st.text() | st.text().map("https://{}".format) | st.text().map("https://example.org/{}".format))
def test_nothing_that_is_stored_can_end_a_header(url: str) -> None:
    try:
        found = stored_form(url)
    except ApiProblem:
        return
    assert found.startswith(("http://", "https://"))
    assert all("!" <= character <= "~" for character in found)
    assert stored_form(found) == found


@given(st.integers(1, 2**48 - 1))
def test_a_code_names_its_link(link_id: int) -> None:
    assert link_id_of(code_of(link_id)) == link_id


@given(st.text())
def test_any_text_is_a_code_or_none(code: str) -> None:
    link_id = link_id_of(code)
    assert link_id == 0 or code_of(link_id) == code


# -- opened -----------------------------------------------------------------------------------------


def test_a_short_link_leads_to_the_long_one_and_counts(desk: FrontDesk) -> None:
    ask = asking(desk)
    short = shorten(desk, "app", "https://example.org/a?b=c#d", 17)
    [(link_id, *_)] = desk.journal.batch.short_links
    reply = ask(path_of(short))
    assert (reply.status, header(reply, "Location")) == (302, "https://example.org/a?b=c#d")
    assert header(reply, "Cache-Control") == "no-store"
    # 1750000000 is 2025-06-15 15:06:40 UTC: in Tokyo the next day has begun
    assert desk.journal.batch.clicks == [(link_id, NOW_MS, DAY + 1)]
    assert desk.journal.woken


def test_a_look_ahead_is_no_click(desk: FrontDesk) -> None:
    ask = asking(desk)
    path = path_of(shorten(desk, "app", "https://example.org/"))
    assert ask(path, "HEAD").status == 302
    assert ask(path, User_Agent="TelegramBot (like TwitterBot)").status == 302
    assert ask(path, User_Agent="WhatsApp/2.23").status == 302
    assert ask(path, Sec_Purpose="prefetch;prerender").status == 302
    desk.journal.flush()
    assert [batch.clicks for batch in desk.journal.batches if batch.clicks] == []
    assert ask(path, User_Agent="Mozilla/5.0 (Linux; Android 14)").status == 302
    assert len(desk.journal.batch.clicks) == 1


@pytest.mark.parametrize(
    "path", ["/l/", "/l/abcdefghi", "/l/a/b", "/l/..", "/l/%0d%0a", "/l/abcdefghijkl", "/l/0"]
)
def test_what_is_no_short_link_leads_nowhere(desk: FrontDesk, path: str) -> None:
    reply = asking(desk)(path)
    assert (reply.status, header(reply, "Location")) == (404, None)


def test_only_looking_is_allowed(desk: FrontDesk) -> None:
    reply = asking(desk)("/l/a", "POST")
    assert (reply.status, header(reply, "Allow")) == (405, "GET, HEAD")


def test_the_links_of_a_blocked_account_lead_nowhere(desk: FrontDesk) -> None:
    ask = asking(desk)
    path = path_of(shorten(desk, "app", "https://example.org/"))
    assert ask(path).status == 302
    desk.accounts["app"].blocked = True
    assert ask(path).status == 404


def test_who_guesses_codes_is_stopped_for_a_minute(desk: FrontDesk) -> None:
    ask = asking(desk)
    path = path_of(shorten(desk, "app", "https://example.org/"))
    for _ in range(links.BAD_CODES_OF_AN_ADDRESS):
        assert ask("/l/zzzz").status == 404
    assert ask(path).status == 429
    assert ask(path, peer="192.0.2.2").status == 302
    desk.clock.advance(60)
    assert ask(path).status == 302


def test_who_opens_links_of_a_blocked_account_keeps_nobody_else_from_theirs(desk: FrontDesk) -> None:
    ask = asking(desk)
    path = path_of(shorten(desk, "app", "https://example.org/"))
    other = path_of(shorten(desk, "other", "https://example.org/"))
    desk.accounts["app"].blocked = True
    assert {ask(path).status for _ in range(links.BAD_CODES_OF_AN_ADDRESS + 1)} == {404}
    assert ask(other).status == 302


@pytest.mark.parametrize("limit", ["CLICKS_OF_A_LINK", "CLICKS_OF_AN_ADDRESS"])
def test_a_flood_of_clicks_is_led_on_and_not_counted(
    desk: FrontDesk, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(links, limit, 3)
    ask = asking(desk)
    path = path_of(shorten(desk, "app", "https://example.org/"))

    def clicks(times: int) -> int:
        before = len(desk.journal.batches)
        assert {ask(path).status for _ in range(times)} == {302}
        desk.journal.flush()
        return sum(len(batch.clicks) for batch in desk.journal.batches[before:])

    assert clicks(10) == 3
    desk.clock.advance(60)
    assert clicks(10) == 3


def test_counts_of_a_minute_have_a_bound(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "KEYS_MAX", 5)
    minute = links._Minute(desk.clock)
    for key in range(100):
        minute.add(key)
        assert len(minute._counts) <= 5
