"""What every request meets: paths, methods, who asks, what a body is, and how a no is said."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from json_api import ADDRESS, TO, ApiDesk

from gateway.api.app import BODY_MAX, ROUTES
from gateway.api.problems import CONTENT_TYPE, TITLES, problem_of
from gateway.core.errors import Refusal, StoreReadError
from gateway.core.http import HttpReply
from gateway.front.gate import Credentials


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def test_an_account_names_itself_by_its_key_or_by_its_password(api: ApiDesk) -> None:
    api.ask("GET", "/v1/account", Authorization="bearer  app")
    api.ask("GET", "/v1/account", account="", Authorization=basic("app", "p:w ё"))
    assert api.gate.asked == [
        (Credentials("", "", "app"), ADDRESS),
        (Credentials("app", "p:w ё", ""), ADDRESS),
    ]


NO_CREDENTIALS = [
    "",
    "Bearer",
    "Bearer ",
    "Basic",
    "Basic !!!",
    "Basic YXBw",
    "Basic /w==",
    "Digest x",
    "app",
]


def test_who_says_nothing_that_makes_sense_is_asked_who_he_is(api: ApiDesk) -> None:
    for header in (*NO_CREDENTIALS, "Bearer " + "a" * 2000):
        headers = {"Authorization": header} if header else {}
        told = api.ask("GET", "/v1/account", account="", **headers)
        assert (told.status, told.value["code"]) == (401, "unauthorized"), header
        assert told.headers["WWW-Authenticate"].startswith("Bearer")
    assert api.gate.asked == []


def test_the_challenge_names_both_ways(api: ApiDesk) -> None:
    reply = api.run(api.answer("GET", "/v1/account", account=""))
    assert isinstance(reply, HttpReply)
    assert [text.split()[0] for name, text in reply.headers if name == "WWW-Authenticate"] == [
        "Basic",
        "Bearer",
    ]


def test_a_request_is_counted_while_it_is_under_way_and_no_longer(api: ApiDesk) -> None:
    seen: list[list[str]] = []
    rows = api.desk.rows

    async def look(*what: Any) -> Any:
        seen.append(list(api.gate.under_way))
        return await rows(*what)

    api.desk.rows = look
    assert api.ask("GET", "/v1/messages/1").status == 404
    assert seen == [["app"]]
    assert api.gate.under_way == []


NO_PATHS = [
    "",
    "x",
    "messages/",
    "messages/x",
    "messages/1/x",
    "messages/-1",
    "messages/1/events/",
    "account/",
]
NO_IDS = ["messages/9223372036854775808", "messages/٧", "messages/" + "1" * 20, "messages/1%2fevents"]


def test_a_path_that_is_none(api: ApiDesk) -> None:
    for path in (*NO_PATHS, *NO_IDS, "Account"):
        told = api.ask("GET", f"/v1/{path}")
        assert (told.status, told.value["code"]) == (404, "not_found"), path


def test_a_method_that_a_path_has_not(api: ApiDesk) -> None:
    for pattern, methods in ROUTES.items():
        for method in {"PUT", "PATCH", "OPTIONS", "TRACE", "HEAD", "DELETE", "POST"} - methods.keys():
            told = api.ask(method, "/v1/" + pattern.replace("{id}", "7"), {})
            assert (told.status, told.value["code"]) == (405, "method_not_allowed")
            assert told.headers["Allow"] == ", ".join(methods)


def test_an_address_that_is_locked_out_and_one_that_is_unknown_are_told(api: ApiDesk) -> None:
    told = api.ask("GET", "/v1/account", account="blocked")
    assert (told.status, told.value["code"]) == (403, "blocked")
    told = api.ask("GET", "/v1/account", account="nobody")
    assert (told.status, told.value["code"]) == (401, "unauthorized")


def test_an_account_with_too_many_requests_at_once_waits(api: ApiDesk) -> None:
    async def many() -> list[int]:
        message = {"to": TO, "text": "hello"}
        answers = await asyncio.gather(*(api.asked("POST", "/v1/messages", message) for _ in range(5)))
        return sorted(told.status for told in answers)

    assert api.run(many()) == [202, 202, 202, 429, 429]
    assert api.post().status == 202


@pytest.mark.parametrize(
    "media",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
        "application/jsonx",
        "application/json; charset=windows-1251",
    ],
)
def test_security_67_what_a_page_of_somebody_else_can_post_is_not_taken(api: ApiDesk, media: str) -> None:
    body = json.dumps({"to": TO, "text": "hello"}).encode()
    for path in ("/v1/messages", "/v1/preview"):
        told = api.ask("POST", path, body, Content_Type=media)
        assert (told.status, told.value["code"]) == (415, "media_type")
        assert "application/json" in told.headers.get("Accept-Post", "application/json")
    assert api.journal.batches == []


def test_security_67_no_cookie_says_who_somebody_is_and_no_origin_is_let_in(api: ApiDesk) -> None:
    told = api.post(account="", Cookie="session=app")
    assert told.status == 401
    for origin in ("https://example.org", "null", "", "https://sms.example.org.example.net"):
        told = api.post(Origin=origin, Host="sms.example.org")
        assert (told.status, told.value["code"]) == (403, "foreign_origin")
        assert api.ask("DELETE", "/v1/messages/7", Origin=origin, Host="sms.example.org").status == 403
    assert api.post(Origin="https://sms.example.org", Host="SMS.example.org").status == 202
    preflight = api.ask("OPTIONS", "/v1/messages", Origin="https://example.org")
    assert preflight.status == 405
    for headers in (told.headers, preflight.headers):
        assert not [name for name in headers if name.lower() in ("set-cookie", "access-control-allow-origin")]


def test_json_is_json_however_its_type_is_written(api: ApiDesk) -> None:
    body = json.dumps({"to": TO, "text": "ё"}, ensure_ascii=False).encode()
    for media in ("Application/JSON", "application/json;charset=utf-8", 'application/json; charset="UTF-8"'):
        assert api.post(body, Content_Type=media).status == 202


def test_a_body_that_is_packed_is_not_taken(api: ApiDesk) -> None:
    assert api.post(Content_Encoding="gzip").status == 415


@pytest.mark.parametrize("body", [b"{", b"[" * 5000, b'{"to":"1","to":"2"}', b"\xff", b"[NaN]"])
def test_security_61_a_body_that_is_no_json_is_told(api: ApiDesk, body: bytes) -> None:
    told = api.post(body)
    assert (told.status, told.value["code"]) == (400, "malformed_request")


def test_a_body_that_is_too_large_is_told(api: ApiDesk) -> None:
    assert api.post(b" " * (BODY_MAX + 1)).status == 413


def test_requests_are_counted_by_what_became_of_them(api: ApiDesk) -> None:
    async def broken(*_: object) -> Any:
        raise StoreReadError("database disk image is malformed")

    counts = []
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/account", {}),
        ("POST", "/v1/messages", {"value": {"to": TO, "text": "hello"}}),
        ("POST", "/v1/messages", {"value": {"to": "", "text": "hello"}}),
        ("GET", "/v1/account", {"account": "nobody"}),
        ("GET", "/v1/account", {"account": "blocked"}),
        ("POST", "/v1/messages", {"Origin": "https://example.org"}),
        ("GET", "/v1/nothing", {}),
    ]
    for method, path, more in asked:
        api.ask(method, path, **more)
        counts.append((api.api.requests, api.api.errors, api.api.refused))
    assert counts == [(1, 0, 0), (2, 0, 0), (3, 1, 0), (3, 1, 1), (3, 1, 2), (3, 1, 3), (3, 2, 3)]
    api.desk.rows = broken
    assert api.ask("GET", "/v1/messages").status == 503
    assert (api.api.requests, api.api.errors) == (4, 3)


def test_the_store_that_cannot_be_read_is_told(api: ApiDesk) -> None:
    async def broken(*_: object) -> Any:
        raise StoreReadError("disk I/O error")

    api.desk.rows = broken
    told = api.ask("GET", "/v1/messages")
    assert (told.status, told.headers["Retry-After"]) == (503, "5")
    assert "http_fault" in api.desk.said[-1] and "disk I/O error" in api.desk.said[-1]


@pytest.mark.parametrize("refusal", Refusal)
def test_each_refusal_has_a_status_a_word_and_says_what_to_do(refusal: Refusal) -> None:
    reply = problem_of(refusal).reply()
    value = json.loads(reply.body)
    assert reply.content_type == CONTENT_TYPE
    assert value["status"] == reply.status
    assert reply.status in (402, 422, 429, 503)
    assert value["type"] == f"urn:smsc-gateway:problem:{refusal.value}"
    assert value["title"] == TITLES[refusal.value]
    assert value["detail"]
    assert ("Retry-After" in dict(reply.headers)) == (reply.status in (429, 503))


WORDS = st.sampled_from([*ROUTES, "messages/7", "messages/7/events", "openapi.json", "", "x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "X"]),
    WORDS | st.text(max_size=30),
    st.binary(max_size=60) | st.text('{}[]":,to extdahx_012', max_size=60).map(str.encode),
    st.text("0123456789abc&=%+-", max_size=30),
    st.sampled_from(["application/json", "", "text/plain"]),
)
def test_whatever_comes_has_an_answer(
    api: ApiDesk, method: str, path: str, body: bytes, query: str, media: str
) -> None:
    call = api.call(method, f"/v1/{path}", body, Content_Type=media)._replace(query=query)
    answer = api.run(api.api(call))
    if isinstance(answer, HttpReply):
        assert answer.status in (200, 202, 400, 401, 404, 405, 409, 413, 415, 422, 429)
        if answer.status >= 400:
            assert re.fullmatch("[a-z_]+", json.loads(answer.body)["code"])
