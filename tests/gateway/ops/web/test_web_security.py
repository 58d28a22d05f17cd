"""What each request to the pages has to pass, and what each answer says to browsers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from gateway_fakes import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st
from web_pages import HASH, ORIGIN, PASSWORD, USERS, PagesClient, pages

from gateway.core import logins as core_logins
from gateway.core.logins import LONGEST_DELAY_S, LONGEST_LINE_S, Logins
from gateway.core.passwords import hash_password
from gateway.ops.web import pages as all_pages
from gateway.ops.web.page import PageError, Route, Visit, local_path
from gateway.ops.web.sessions import SESSIONS_OF_USER, Sessions
from gateway.ops.web.settings import User, WebSettings, from_json, to_json

HOSTILE = """<script>alert(1)</script>'"><img src=x onerror=alert(2)>{{7777*7777}}\u202e"""


def run(check: Callable[..., Awaitable[None]], handlers: Any = None, **options: Any) -> None:
    async def wrapped() -> None:
        async with pages(handlers, **options) as client:
            await check(client)

    asyncio.run(wrapped())


@pytest.fixture
def more_routes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Route], None]:
    """Adds a page for a test."""
    found = list(all_pages.routes())
    monkeypatch.setattr("gateway.ops.web.app.routes", lambda: iter(found))
    return found.append


@pytest.fixture
def cheap_hash(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A hash that costs nothing; the list has how many were made for each check."""
    made: list[tuple[str, ...]] = []

    def verify(password: str, hashes: tuple[str, ...]) -> bool:
        made.append(hashes)
        return bool(hashes) and password == PASSWORD

    monkeypatch.setattr(core_logins, "_verify", verify)
    return made


# -- forms ---------------------------------------------------------------------------------------------


async def acts(visit: Visit) -> web.StreamResponse:
    await visit.ask("act", name=visit.form.get("name", ""))
    return visit.redirect("/done", notice=visit.form.get("name", ""))


@pytest.mark.parametrize(
    ("headers", "form", "status"),
    [
        ({}, {}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, {}, 303),
        ({"Origin": "https://localhost"}, {}, 303),  # a proxy has TLS and does not say so
        ({}, {"csrf": ""}, 403),
        ({}, {"csrf": "x" * 43}, 403),
        ({}, {"csrf": "é"}, 403),
        ({"Origin": "http://evil.example"}, {}, 403),
        ({"Origin": "http://localhost.evil.example"}, {}, 403),
        ({"Origin": "http://localhost:81"}, {}, 403),
        ({"Origin": "null"}, {}, 403),
        ({"Origin": ""}, {}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
        ({"Sec-Fetch-Site": "same-site"}, {}, 403),
        ({"Sec-Fetch-Site": "none"}, {}, 403),
    ],
)
def test_security_67_a_form_needs_its_token_and_our_origin(
    more_routes: Callable[[Route], None], headers: dict[str, str], form: dict[str, str], status: int
) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        page = await client.post("/act", form, **headers)
        assert page.status == status, page.text
        assert [it["command"] for it in client.asked] == (["act"] if status == 303 else [])

    run(check, {"act": {}})


def test_security_67_a_form_without_any_origin_or_another_type_is_none(
    more_routes: Callable[[Route], None],
) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        form = "application/x-www-form-urlencoded"
        body = f"csrf={client.csrf}"
        for headers, status in (
            ({"Content-Type": form}, 403),
            ({"Content-Type": "text/plain", "Origin": ORIGIN}, 415),
            ({"Content-Type": "multipart/form-data; boundary=x", "Origin": ORIGIN}, 415),
            ({"Content-Type": "application/json", "Origin": ORIGIN}, 415),
        ):
            assert (await client.send("POST", "/act", headers, body)).status == status
        # a token in the address is none: addresses are copied and kept
        headers = {"Content-Type": form, "Origin": ORIGIN}
        assert (await client.send("POST", f"/act?{body}", headers, "name=x")).status == 403
        assert (await client.send("GET", f"/act?{body}", {"Origin": ORIGIN})).status == 405
        assert client.asked == []

    run(check, {"act": {}})


def test_security_67_nobody_is_logged_in_by_a_foreign_page(cheap_hash: object) -> None:
    async def check(client: PagesClient) -> None:
        form = {"name": "olga", "password": PASSWORD}
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            page = await client.post("/login", form, **headers)
            assert page.status == 403 and not cookie_of(page, "smsc"), headers
        assert len(client.shell.sessions) == 0

    run(check, {"audit_note": {}}, role=None)


def test_a_token_of_another_session_is_none(more_routes: Callable[[Route], None]) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        others = client.csrf
        client.log_in("olga")
        assert (await client.post("/act", {"csrf": others})).status == 403
        assert (await client.post("/act")).status == 303

    run(check, {"act": {}})


def test_a_viewer_cannot_act_and_a_stranger_sees_nothing(more_routes: Callable[[Route], None]) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        page = await client.post("/act", {"name": "x"})
        assert page.status == 403 and "Only operators" in page.text
        client.cookies.pop("smsc")
        assert (await client.post("/act", {"name": "x"})).location == "/login"
        assert [it for it in client.asked if it["command"] == "act"] == []
        for route in all_pages.routes():
            if route.method == "GET" and route.role in ("viewer", "operator"):
                page = await client.get(route.path.replace("{", "").replace("}", ""))
                assert (page.status, page.location) == (303, "/login"), route.path
        page = await client.get("/", Sec_Fetch_Mode="cors")
        assert page.status == 401  # a script must not take the login page for an answer

    run(check, {"act": {}, "audit_note": {}}, role="viewer")


def test_every_page_that_changes_something_is_a_post() -> None:
    for route in all_pages.routes():
        assert route.method == "GET" or route.role in ("operator", "viewer", "open"), route.path
        if route.method == "POST" and route.role != "operator":
            assert route.path in ("/login", "/logout", "/language") or route.role == "viewer", route.path


# -- sessions ------------------------------------------------------------------------------------------


def cookie_of(page: Any, name: str) -> str:
    found = [line for line in page.headers.getall("Set-Cookie", ()) if line.startswith(f"{name}=")]
    return found[0] if found else ""


def test_a_sessions_cookie_is_for_us_alone(cheap_hash: object) -> None:
    async def plain(client: PagesClient) -> None:
        page = await client.post("/login", {"name": "olga", "password": PASSWORD})
        cookie = cookie_of(page, "smsc")
        assert re.fullmatch(r"smsc=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict", cookie), cookie
        assert "Strict-Transport-Security" not in page.headers
        page = await client.post("/logout")
        assert 'smsc=""' in cookie_of(page, "smsc") and "Max-Age=0" in cookie_of(page, "smsc")

    async def behind_a_proxy(client: PagesClient) -> None:
        by_tls = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        page = await client.post(
            "/login", {"name": "olga", "password": PASSWORD}, Origin="https://localhost", **by_tls
        )
        cookie = cookie_of(page, "__Host-smsc")
        assert re.fullmatch(r"__Host-smsc=[\w-]{43}; HttpOnly; Path=/; SameSite=Strict; Secure", cookie)
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert client.said[-1][2]["address"] == "192.0.2.7"
        # what is said over TLS comes from TLS
        page = await client.post("/logout", Origin="http://localhost", **by_tls)
        assert page.status == 403

    run(plain, {"audit_note": {}}, role=None)
    run(behind_a_proxy, {"audit_note": {}}, role=None, proxies=(ip_network("127.0.0.0/8"),))


def test_who_is_no_proxy_is_not_believed(cheap_hash: object) -> None:
    async def check(client: PagesClient) -> None:
        await client.post("/login", {"name": "x", "password": "y"}, **{"X-Forwarded-For": "192.0.2.7"})
        assert client.said[-1][2]["address"] == "127.0.0.1"

    run(check, {"audit_note": {}}, role=None)


def test_a_session_that_a_stranger_chose_is_none(cheap_hash: object) -> None:
    async def check(client: PagesClient) -> None:
        chosen = client.cookies["smsc"] = "A" * 43
        await client.post("/login", {"name": "olga", "password": PASSWORD})
        first = client.cookies["smsc"]
        assert first != chosen
        # another login ends the one before
        await client.post("/login", {"name": "olga", "password": PASSWORD})
        assert client.cookies["smsc"] not in (first, chosen)
        for old in (first, chosen):
            client.cookies["smsc"] = old
            assert (await client.get("/")).location == "/login"

    run(check, {"audit_note": {}}, role=None)


def test_a_logout_ends_the_session_and_not_only_the_cookie() -> None:
    async def check(client: PagesClient) -> None:
        old = dict(client.cookies)
        assert (await client.post("/logout")).location == "/login"
        assert "smsc" not in client.cookies
        client.cookies = old
        assert (await client.get("/")).location == "/login"
        assert len(client.shell.sessions) == 0

    run(check, {"audit_note": {}})


def test_a_session_ends_when_nothing_is_asked_and_when_its_time_is_over() -> None:
    clock = ManualClock()

    async def check(client: PagesClient) -> None:
        for _ in range(3):
            clock.advance(3599)
            assert (await client.get("/login")).location == "/"
        clock.advance(3600)
        assert (await client.get("/login")).status == 200
        client.log_in("olga")
        for _ in range(12):
            clock.advance(3599)
            assert (await client.get("/login")).location == "/"
        clock.advance(13)
        assert (await client.get("/login")).status == 200

    run(check, clock=clock)


def test_what_a_script_asks_by_itself_keeps_no_session_alive(more_routes: Callable[[Route], None]) -> None:
    async def live(visit: Visit) -> web.StreamResponse:
        return visit.answer(b"x", "text/plain")

    more_routes(Route("GET", "/live-test", live, quiet=True))
    clock = ManualClock()

    async def check(client: PagesClient) -> None:
        for _ in range(2):
            assert (await client.get("/live-test")).status == 200
            clock.advance(1800)
        assert (await client.get("/live-test")).location == "/login"

    run(check, clock=clock)


def test_a_reload_ends_the_sessions_of_who_is_gone_or_has_another_password() -> None:
    async def check(client: PagesClient) -> None:
        viewer = User("olga", HASH, "viewer")
        client.shell.configure(WebSettings((viewer,)))
        assert "viewer" in (await client.get("/none")).text  # at once, in the session that there is
        client.shell.configure(WebSettings((User("olga", hash_password("x", bytes(16)), "viewer"),)))
        assert (await client.get("/login")).status == 200
        client.shell.configure(WebSettings(USERS))
        assert (await client.get("/login")).status == 200

    run(check)


def test_who_is_put_back_has_to_log_in() -> None:
    async def check(client: PagesClient) -> None:
        client.shell.configure(WebSettings(USERS[:1]))
        client.shell.configure(WebSettings(USERS))
        assert (await client.get("/")).location == "/login"

    run(check)


def test_a_password_that_was_changed_while_it_was_looked_at_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def check(client: PagesClient) -> None:
        async def verify(*_: object) -> bool:
            client.shell.configure(WebSettings((User("olga", hash_password("x", bytes(16)), "operator"),)))
            return True

        monkeypatch.setattr(client.shell.logins, "verify", verify)
        page = await client.post("/login", {"name": "olga", "password": PASSWORD})
        assert page.status == 403 and len(client.shell.sessions) == 0

    run(check, {"audit_note": {}}, role=None)


def test_a_user_has_so_many_sessions_and_the_one_not_used_longest_ends() -> None:
    clock = ManualClock()
    sessions = Sessions(clock)
    settings = WebSettings(USERS)
    tokens = []
    for _ in range(SESSIONS_OF_USER):
        tokens.append(sessions.begin(USERS[0]))
        clock.advance(1)
    other = sessions.begin(USERS[1])
    assert sessions.find(tokens[0], settings)  # used again
    sessions.begin(USERS[0])
    assert len(sessions) == SESSIONS_OF_USER + 1
    assert sessions.find(tokens[1], settings) is None
    assert sessions.find(tokens[0], settings) and sessions.find(other, settings)


def test_no_session_id_is_kept() -> None:
    sessions = Sessions(ManualClock())
    token = sessions.begin(USERS[0])
    assert token not in repr(vars(sessions))


# -- passwords -----------------------------------------------------------------------------------------


def test_an_unknown_user_and_a_wrong_password_are_the_same(cheap_hash: list[tuple[str, ...]]) -> None:
    async def check(client: PagesClient) -> None:
        known = await client.post("/login", {"name": "olga", "password": "wrong"})
        unknown = await client.post("/login", {"name": "nobody", "password": "wrong"})
        assert known.status == unknown.status == 403
        assert known.text.replace("olga", "*") == unknown.text.replace("nobody", "*")
        assert len(cheap_hash) == 2  # and _verify makes two hashes each time (tests of gateway.core.logins)
        assert [fields["user"] for _, _, fields in client.said] == ["olga", "-"]

    run(check, {"audit_note": {}}, role=None)


def test_who_guesses_waits_longer_and_longer_and_the_right_password_ends_it(
    cheap_hash: list[tuple[str, ...]],
) -> None:
    clock = ManualClock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)

    async def check(client: PagesClient) -> None:
        client.shell.logins.close()
        client.shell.logins = Logins(clock, sleep=sleep)
        for number in range(12):
            page = await client.post("/login", {"name": "olga", "password": f"guess {number}"})
            assert page.status == 403
        assert slept == [1, 2, 4, 8, 16, *[LONGEST_DELAY_S] * 2]
        # others, and the same from elsewhere, do not wait
        await client.post("/login", {"name": "vera", "password": "guess"})
        assert len(slept) == 7
        assert (await client.post("/login", {"name": "olga", "password": PASSWORD})).location == "/"
        assert len(slept) == 8
        await client.post("/login", {"name": "olga", "password": "guess"})
        assert len(slept) == 8
        assert LONGEST_LINE_S < 90  # of the login's route: nobody is cut off in the line

    run(check, {"audit_note": {}}, role=None)


def test_too_many_tries_at_once_are_sent_away(cheap_hash: object) -> None:
    async def check(client: PagesClient) -> None:
        async def full(*_: object) -> None:
            return None

        client.shell.logins.verify = full  # type: ignore[method-assign]
        page = await client.post("/login", {"name": "olga", "password": PASSWORD})
        assert page.status == 429 and "Too many attempts" in page.text

    run(check, role=None)


# -- what comes, and what goes out ---------------------------------------------------------------------


def test_every_answer_has_the_headers_that_bind_browsers() -> None:
    async def check(client: PagesClient) -> None:
        style = re.search(r'href="(/static/style\.css[^"]*)"', (await client.get("/login")).text)
        client.cookies.pop("smsc")
        style = style or re.search(r'href="(/static/style\.css[^"]*)"', (await client.get("/login")).text)
        assert style
        for path, status in (
            ("/login", 200),
            ("/", 303),
            ("/none", 404),
            (style[1], 200),
            ("/login?a=%00", 400),
        ):
            page = await client.get(path)
            assert page.status == status
            policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
            assert policy == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self'",
                "img-src": "'self'",
                "connect-src": "'self'",
                "form-action": "'self'",
                "frame-ancestors": "'none'",
                "base-uri": "'none'",
            }
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["Referrer-Policy"] == "same-origin"
            assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "camera=()" in page.headers["Permissions-Policy"]
            assert page.headers["Server"] == "smsc-gateway"
            kept = "max-age=31536000" in page.headers["Cache-Control"]
            assert kept == (path == style[1]), path
            assert kept or page.headers["Cache-Control"] == "no-store"

    run(check)


def test_security_65_hostile_values_are_texts_on_a_page(more_routes: Callable[[Route], None]) -> None:
    async def canary(visit: Visit) -> web.StreamResponse:
        raise PageError(404, HOSTILE)

    more_routes(Route("GET", "/canary", canary))
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        texts = [
            (await client.get("/canary")).text,
            (await client.post("/act", {"name": HOSTILE})).text,
            (await client.get("/none")).text,  # with the notice of the form before
        ]
        client.cookies.pop("smsc")
        client.shell.logins.verify = lambda *_: _false()  # type: ignore[method-assign,assignment]
        texts.append((await client.post("/login", {"name": HOSTILE, "password": "x"})).text)
        assert sum("alert(1)" in text for text in texts) == 3
        for text in texts:
            assert "<script>alert" not in text and "<img src=x" not in text and "60481729" not in text
            assert "onerror" not in re.sub(r"&lt;img src=x onerror=alert\(2\)&gt;", "", text)

    run(check, {"act": {}, "audit_note": {}})


async def _false() -> bool:
    return False


def test_notices_are_shown_once(more_routes: Callable[[Route], None]) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        for number in range(8):
            await client.post("/act", {"name": f"notice {number}"})
        text = (await client.get("/none")).text
        assert [number for number in range(8) if f"notice {number}" in text] == [3, 4, 5, 6, 7]
        assert "notice" not in re.sub(r'class="notice[^"]*"', "", (await client.get("/none")).text)
        for name in ("done", *("sent before" for _ in range(8))):  # somebody presses again and again
            await client.post("/act", {"name": name})
        text = (await client.get("/none")).text
        assert text.count("<div>done</div>") == text.count("<div>sent before</div>") == 1

    run(check, {"act": {}})


@pytest.mark.parametrize(
    "hostile",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: x=y",
        "",
        "evil",
        "/%2f/evil.example\n",
    ],
)
def test_nothing_leads_elsewhere_and_no_header_is_added(hostile: str) -> None:
    async def check(client: PagesClient) -> None:
        page = await client.post("/language", {"language": "en", "back": hostile})
        assert page.status in (303, 400)
        assert page.location == "" or re.match(r"/(?![/\\])", page.location)
        assert "x" not in client.cookies

    run(check)
    path = local_path(hostile)
    assert re.fullmatch(r"/(?![/\\])[!-~]*", path)


@settings(max_examples=200)
@given(st.text())
def test_any_text_is_an_address_of_ours_or_none(text: str) -> None:
    for path in (local_path(text), local_path(f"/{text}")):
        assert re.fullmatch(r"/(?![/\\])[!-~]*", path), path


@pytest.mark.parametrize(
    ("host", "is_good"),
    [
        ("localhost", True),
        ("LOCALHOST:8090", True),
        ("127.0.0.1:8090", True),
        ("192.0.2.1", True),
        ("[::1]:8090", True),
        ("pages.example.org", True),
        ("pages.example.org:443", True),
        ("evil.example", False),
        ("evil.pages.example.org", False),
        ("127.0.0.1.evil.example", False),
        ("[evil]", False),
        ("", False),
        ("user@localhost", False),
    ],
)
def test_a_name_that_is_not_ours_gets_nothing(host: str, is_good: bool) -> None:
    async def check(client: PagesClient) -> None:
        page = await client.get("/login", Host=host)
        assert (page.status == 200) == is_good, page.status
        if not is_good:
            assert page.status in (400, 421) and "password" not in page.text.lower()

    run(check, role=None, hosts=("pages.example.org",))


def test_security_69_without_tls_a_public_address_answers_only_what_came_over_tls() -> None:
    async def check(client: PagesClient) -> None:
        page = await client.get("/login")
        assert page.status == 403 and "HTTPS" in page.text
        assert (await client.get("/login", **{"X-Forwarded-Proto": "https"})).status == 200

    run(check, role=None, only_secure=True, proxies=(ip_network("127.0.0.1"),))


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "....//app.py",
        "/etc/passwd",
        "%00style.css",
        "style.css%00",
        "",
        ".",
    ],
)
def test_only_what_is_in_the_table_of_files_is_served(name: str) -> None:
    async def check(client: PagesClient) -> None:
        page = await client.send("GET", f"/static/{name}", {})
        assert page.status in (400, 403, 404), page.status
        assert "import" not in page.text

    run(check, role=None)


def test_what_is_too_much_is_refused(more_routes: Callable[[Route], None]) -> None:
    more_routes(Route("POST", "/act", acts, "operator"))

    async def check(client: PagesClient) -> None:
        assert (await client.post("/act", {"name": "x" * 66_000})).status == 413
        assert (await client.post("/act", [("x", "")] * 1001)).status == 400
        assert (await client.post("/act", {"name": "a\x00b"})).status == 400
        assert (await client.get("/login?" + "x" * 4097)).status == 414
        assert (await client.get("/login?" + "x" * 9000)).status == 400  # before it is a request
        assert (await client.get("/login", Cookie="x" * 9000)).status == 400
        assert client.asked == []

    run(check, {"act": {}})


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_breaks_is_a_bad_request_and_no_fault_of_ours(encoding: str) -> None:
    async def check(client: PagesClient) -> None:
        headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
        page = await client.send(
            "POST", "/login", {**headers, "Content-Encoding": encoding}, b"no such thing"
        )
        assert page.status == 400
        assert client.said == []

    run(check, role=None)


def test_a_visitor_who_is_gone_is_no_fault_of_ours(more_routes: Callable[[Route], None]) -> None:
    async def broken(visit: Visit) -> web.StreamResponse:
        raise ConnectionResetError

    more_routes(Route("GET", "/broken", broken))

    async def check(client: PagesClient) -> None:
        await client.get("/broken")
        assert client.said == []

    run(check)


def test_what_went_wrong_inside_stays_inside(more_routes: Callable[[Route], None]) -> None:
    async def broken(visit: Visit) -> web.StreamResponse:
        raise KeyError("a secret of somebody")

    async def late(visit: Visit) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    more_routes(Route("GET", "/broken", broken))
    more_routes(Route("GET", "/late", late, timeout_s=0.01))

    async def check(client: PagesClient) -> None:
        page = await client.get("/broken")
        assert page.status == 500 and "secret" not in page.text and "KeyError" not in page.text
        [(level, name, fields)] = client.said
        assert (level, name) == ("error", "web_fault")
        assert re.fullmatch(r"KeyError in test_web_security\.py:\d+", str(fields["reason"]))
        assert (await client.get("/late")).status == 503

    run(check)


def test_a_gateway_that_says_no_or_nothing_is_a_page_that_says_so(
    more_routes: Callable[[Route], None],
) -> None:
    async def show(visit: Visit) -> web.StreamResponse:
        return visit.answer(str(await visit.ask(visit.match["command"])).encode(), "text/plain")

    more_routes(Route("GET", "/ask/{command}", show))

    async def check(client: PagesClient) -> None:
        page = await client.get("/ask/no")
        assert page.status == 400 and "because &lt;b&gt;" in page.text
        page = await client.get("/ask/list")
        assert page.status == 502 and "does not answer" in page.text
        assert (await client.get("/ask/unheard-of")).status == 400
        assert (await client.get("/ask/yes")).text == "{'a': 1}"
        assert client.by[0] == {"user": "olga", "address": "127.0.0.1"}

    run(check, {"no": {"error": "because <b>"}, "list": lambda _: 7, "yes": {"a": 1}})


@settings(max_examples=60, deadline=None)
@given(
    query=st.text(
        alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=200
    ),
    cookie=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
    body=st.binary(max_size=300),
)
def test_any_query_cookie_and_form_gets_an_answer(query: str, cookie: str, body: bytes) -> None:
    async def check(client: PagesClient) -> None:
        client.shell.logins.verify = lambda *_: _false()  # type: ignore[method-assign,assignment]
        page = await client.get(f"/login?{query}", Cookie=cookie)
        assert page.status in (200, 400), page.status
        headers = {
            "Origin": ORIGIN,
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"smsc={cookie}; language={cookie}",
            "Accept-Language": cookie,
        }
        page = await client.send("POST", "/login", headers, body)
        assert page.status in (400, 403), page.status
        assert not [fields for _, name, fields in client.said if name == "web_fault"]

    run(check, {"audit_note": {}}, role=None)


def test_settings_come_through_the_channel_as_they_are() -> None:
    found = WebSettings(
        USERS, 1.5, 2.5, ("a.example",), (ip_network("10.0.0.0/8"),), (), 7, True, False, "/a", "/b"
    )
    assert from_json(to_json(found)) == found
