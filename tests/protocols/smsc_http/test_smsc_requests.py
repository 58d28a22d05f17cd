"""Requests: the literal examples of the documentation, what the client writes, what is refused."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.smsc_http.forms import FORM
from protocols.smsc_http.operations import OPERATIONS, REST_SEND, find
from protocols.smsc_http.requests import (
    MAX_FORM,
    MAX_QUERY,
    Credentials,
    File,
    HttpRequest,
    Request,
    RequestError,
    decode_request,
    encode_request,
    encode_rest,
)
from protocols.smsc_http.sending import parse_binary, parse_list, split_comment

FOLDER = Path(__file__).parents[2] / "vectors/smsc_http"
LOGIN = Credentials("alex", "123")
TEXT = {"phones": "79999999999", "mes": "Hello"}
SECRETS = {"login", "psw", "apikey", "fmt", "charset"}


def vectors(file: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in json.loads((FOLDER / file).read_text("utf-8"))]


def by_name(name: str) -> dict[str, Any]:
    return next(v.values[0] for v in vectors("requests.json") if v.id == name)


def decoded(request: HttpRequest) -> Request:
    return decode_request("POST", request.path, "", request.content_type, request.body)


@pytest.mark.parametrize("vector", vectors("requests.json"))
def test_examples_of_the_documentation_by_get(vector: dict[str, Any]) -> None:
    path, _, query = vector["url"].partition("?")
    request = decode_request("GET", path, query, "", b"ignored=1")
    assert request.params == vector["params"]
    found = find(request.script, request.params)
    assert found is not None
    assert found.name == vector["operation"]


@pytest.mark.parametrize("vector", vectors("requests.json"))
def test_examples_of_the_documentation_by_post(vector: dict[str, Any]) -> None:
    path, _, query = vector["url"].partition("?")
    request = decode_request("POST", path, "", f"{FORM}; charset=UTF-8", query.encode())
    assert (request.script, request.params) == (path.rpartition("/")[2], vector["params"])


@pytest.mark.parametrize("vector", vectors("requests.json"))
def test_examples_of_the_documentation_as_the_client_writes_them(vector: dict[str, Any]) -> None:
    row = OPERATIONS[vector["operation"]]
    if row.name == "imgcode":
        return
    params = {name: value for name, value in vector["params"].items() if name not in SECRETS}
    credentials = Credentials(vector["params"]["login"], vector["params"]["psw"])
    request = decoded(encode_request(row.name, params, credentials))
    assert request.params == {**vector["params"], "fmt": "3", "charset": "utf-8"}
    assert request.script == row.script


def test_the_parts_of_the_examples_mean_what_they_say() -> None:
    lines = parse_list(by_name("comments in list")["params"]["list"])
    assert [(line.phones, split_comment(line.text)) for line in lines] == [
        (("79999999999",), ("Hello1!", "Comment1")),
        (("78888888888",), ("Hello2!", "Comment2")),
    ]
    octets = parse_binary(by_name("EMS in octets")["params"]["mes"], 1).octets
    assert octets == b"\x05\x0a\x03\x07\x05\x60Hello, World!\xff"


@pytest.mark.parametrize("vector", vectors("rest_requests.json"))
def test_requests_as_json(vector: dict[str, Any]) -> None:
    request = decode_request("POST", "/rest/send/", "", "application/json", vector["body"].encode())
    assert request == Request(REST_SEND, vector["params"], (), "utf-8")


def test_the_client_writes_json_too() -> None:
    request = encode_rest({"phones": "79999999999", "mes": "Привет", "cost": "3"}, LOGIN)
    assert (request.path, request.content_type) == ("/rest/send/", "application/json")
    assert json.loads(request.body) == {
        "login": "alex",
        "psw": "123",
        "phones": "79999999999",
        "mes": "Привет",
        "cost": "3",
    }


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
@pytest.mark.parametrize("files", [(), (File("файл.txt", b"\r\n--x\0", "text/plain"), File("b", b""))])
def test_a_request_comes_back_in_every_charset_and_with_files(charset: str, files: tuple[File, ...]) -> None:
    params = {"phones": "+79999999999,G1", "mes": "Привет & +100%\nмир", "mms": "1", "id": "a-1"}
    request = decoded(encode_request("send", params, LOGIN, charset=charset, fmt=1, files=files))
    assert request.charset == charset
    assert request.params == {"login": "alex", "psw": "123", **params, "fmt": "1", "charset": charset}
    assert request.files == tuple(file._replace(field=f"file{place}") for place, file in enumerate(files))


def test_a_binary_message_keeps_its_octets_in_every_charset() -> None:
    mes = bytes(range(256)).decode("latin-1")
    for charset in ("utf-8", "windows-1251"):
        request = encode_request("send", {"phones": "7", "mes": mes, "bin": "1"}, LOGIN, charset=charset)
        assert decoded(request).params["mes"] == mes


def test_what_selects_an_operation_is_added() -> None:
    assert decoded(encode_request("phone_del", {"phone": "7"}, LOGIN)).params["del"] == "1"
    assert decoded(encode_request("cost", TEXT, LOGIN)).params["cost"] == "1"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_be_written_and_found_again(operation: str) -> None:
    row = OPERATIONS[operation]
    params = dict.fromkeys(row.required[0], "1")
    request = decoded(encode_request(operation, params, LOGIN))
    assert find(request.script, request.params) is row


def test_a_key_stands_in_for_login_and_password() -> None:
    params = decoded(encode_request("balance", {}, Credentials("alex", "123", "the-key"))).params
    assert params == {"apikey": "the-key", "fmt": "3", "charset": "utf-8"}
    assert decoded(encode_request("imgcode", {}, None)).params.keys() == {"fmt", "charset"}


def test_nothing_secret_is_in_a_repr() -> None:
    credentials = Credentials("alex", "p-secret", "k-secret")
    request = encode_request("send", TEXT, credentials)
    for value in (credentials, request, decoded(request), encode_rest(TEXT, credentials)):
        assert "secret" not in repr(value)
        assert "Hello" not in repr(value)


@pytest.mark.parametrize(
    ("operation", "params", "says"),
    [
        ("sendd", {}, "no operation sendd"),
        ("send", {"phones": "7"}, "needs"),
        ("status", {}, "needs phone, id"),
        ("balance", {"phone": "7-secret", "x": "1"}, "does not take phone, x"),
        ("send", {**TEXT, "psw": "secret"}, "gets psw by itself"),
        ("send", {**TEXT, "fmt": "1"}, "gets fmt by itself"),
        ("send", {**TEXT, "cost": "1"}, "ask for cost"),
    ],
)
def test_what_cannot_be_written_is_named(operation: str, params: dict[str, str], says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        encode_request(operation, params, LOGIN)
    assert "secret" not in str(caught.value)


def test_files_and_charsets_that_cannot_be_are_refused() -> None:
    with pytest.raises(RequestError, match="at most 0 files"):
        encode_request("balance", {}, LOGIN, files=[File("a", b"")])
    with pytest.raises(RequestError, match="no charset"):
        encode_request("balance", {}, LOGIN, charset="utf-16")
    with pytest.raises(RequestError, match="needs"):
        encode_rest({"phones": "7"}, LOGIN)


def test_of_parameters_that_stand_twice_the_last_counts_and_the_body_before_the_query() -> None:
    request = decode_request("POST", "/sys/send.php", "a=1&b=1&a=2", FORM, b"b=2")
    assert request.params == {"a": "2", "b": "2"}


def test_a_body_that_is_no_form_is_left_alone() -> None:
    request = decode_request("POST", "/sys/balance.php", "login=alex", "text/plain", b"psw=1")
    assert request.params == {"login": "alex"}
    assert decode_request("POST", "/sys/balance.php", "", "", b"a=1\r\n").params == {"a": "1"}


def test_a_charset_that_the_service_has_not_is_its_default() -> None:
    request = decode_request("GET", "/sys/send.php", "mes=%CF%F0&charset=utf-16", "", b"")
    assert (request.params["mes"], request.charset) == ("Пр", "windows-1251")


def test_octets_that_are_not_quoted_are_read_as_they_came() -> None:
    raw = "mes=ж&charset=utf-8"
    assert decode_request("GET", "/sys/send.php", raw, "", b"").params["mes"] == "ж"
    escaped = b"mes=\xcf".decode("utf-8", "surrogateescape")
    assert decode_request("GET", "/sys/send.php", escaped, "", b"").params["mes"] == "П"


@pytest.mark.parametrize(
    ("method", "path", "query", "content_type", "body", "status"),
    [
        ("GET", "/", "", "", b"", 404),
        ("GET", "/sys/", "", "", b"", 404),
        ("GET", "/sys/../send.php", "", "", b"", 404),
        ("GET", "/sys/Send.php", "", "", b"", 404),
        ("GET", "/sys/send.php\n", "", "", b"", 404),
        ("PUT", "/sys/send.php", "", "", b"", 405),
        ("GET", "/rest/send/", "", "", b"", 405),
        ("GET", "/sys/send.php", "a" * (MAX_QUERY + 1), "", b"", 413),
        ("POST", "/sys/send.php", "", FORM, b"a" * (MAX_FORM + 1), 413),
        ("POST", "/sys/send.php", "", FORM, b"a=1&" * 300, 400),
        ("GET", "/sys/send.php", "=1", "", b"", 400),
        ("POST", "/sys/send.php", "", "multipart/form-data", b"x", 400),
        ("POST", "/rest/send/", "", "", b"", 400),
        ("POST", "/rest/send/", "", "", b"[]", 400),
        ("POST", "/rest/send/", "", "", b'{"phones": {"a": 1}}', 400),
        ("POST", "/rest/send/", "", "", b'{"mes": "\xcf"}', 400),
        ("POST", "/rest/send/", "", "", b'{"' + b"n" * 65 + b'": 1}', 400),
    ],
)
def test_what_is_no_request(
    method: str, path: str, query: str, content_type: str, body: bytes, status: int
) -> None:
    with pytest.raises(RequestError) as caught:
        decode_request(method, path, query, content_type, body)
    assert caught.value.status == status


@given(
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.sampled_from(["/sys/send.php", "/rest/send", "/x"]),
    st.text("a=&%1ж\ud800\udcff", max_size=20),
    st.sampled_from([FORM, "", "multipart/form-data; boundary=b", "application/json"]),
    st.binary(max_size=40) | st.text('{}"&=:,[]ab1%-\r\n', max_size=40).map(str.encode),
)
def test_only_the_documented_error_escapes(
    method: str, path: str, query: str, content_type: str, body: bytes
) -> None:
    with contextlib.suppress(RequestError):
        request = decode_request(method, path, query, content_type, body)
        for text in (*request.params, *request.params.values()):
            text.encode()
