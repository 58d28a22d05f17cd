"""WAP push: SI and SL made and read."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.sms import udh, wap_push
from protocols.sms.udh_values import ports_element
from protocols.sms.wap_push import WapPushError, is_wap_push, read, service_indication, service_loading

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "sms" / "wap_push.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_vectors(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    if "error" in case:
        with pytest.raises(WapPushError, match=case["error"]):
            read(data)
        return
    found = read(data)
    assert found.content_type == case["content_type"]
    assert found.headers.hex().upper() == case["headers"]
    assert (found.attributes, found.text) == (case["attributes"], case["text"])
    if "make" in case:
        arguments = {
            name: datetime.fromisoformat(value) if name in ("created", "expires") else value
            for name, value in case["arguments"].items()
        }
        assert getattr(wap_push, case["make"])(**arguments) == data


def test_the_ports_are_those_of_wap_push() -> None:
    header = udh.build([ports_element(*wap_push.PORTS)])
    assert header == bytes.fromhex("0605040B8423F0")
    assert is_wap_push(udh.parse(header)[0])


@pytest.mark.parametrize(
    ("elements", "tlv_port", "expected"),
    [
        ([(5, bytes.fromhex("0B8423F0"))], None, True),
        ([(5, bytes.fromhex("0B850000"))], None, True),  # with security
        ([(5, bytes.fromhex("23F00000"))], None, True),
        ([(5, bytes.fromhex("158A158A"))], None, False),  # a ring tone
        ([(5, bytes.fromhex("23F00B84"))], None, True),
        ([(5, bytes.fromhex("00000B84"))], None, False),  # it only comes from there
        ([(0, b"\1\2\1")], None, False),
        ([], 2948, True),
        ([], 9200, True),
        ([], 80, False),
        ([(5, b"\x0b")], None, False),
    ],
)
def test_security_28_a_push_is_seen_by_its_port(
    elements: list[udh.Element], tlv_port: int | None, expected: bool
) -> None:
    assert is_wap_push(elements, tlv_port) is expected


def test_what_cannot_be_made() -> None:
    with pytest.raises(WapPushError, match="signal-none, signal-low"):
        service_indication("http://a", "b", action="ring")
    with pytest.raises(WapPushError, match="execute-low"):
        service_loading("http://a", action="signal-low")
    with pytest.raises(WapPushError, match="NUL"):
        service_indication("http://a", "b\0c")


def test_a_string_that_is_named_again_and_again_is_refused() -> None:
    table = b"a" * 4000 + b"\0"
    head = bytes.fromhex("00 06 01 B0 02 06 6A") + bytes((0x80 | len(table) >> 7, len(table) & 0x7F))
    with pytest.raises(WapPushError, match="more than 8192"):
        read(head + table + b"\x85\x08" + b"\x83\0" * 4000 + b"\1")
    assert len(read(head + table + b"\x85\x08" + b"\x83\0" * 2 + b"\1").attributes["href"]) == 8000


words = st.text(st.sampled_from("abж/.:?&=€"), max_size=20)
links = st.builds(
    lambda start, host, end, path: start + host + end + path,
    st.sampled_from(["", "http://", "http://www.", "https://", "https://www.", "ftp://"]),
    words,
    st.sampled_from(["", ".com/", ".org/", ".net/", ".edu/", ".com", "/"]),
    words,
)


@given(
    links,
    words,
    st.sampled_from(["signal-none", "signal-low", "signal-high", "delete"]),
    words,
    st.datetimes(),
)
def test_indications_are_read_as_they_were_made(
    href: str, text: str, action: str, si_id: str, moment: datetime
) -> None:
    found = read(service_indication(href, text, action=action, si_id=si_id, created=moment))
    assert found.text == text
    assert found.attributes.get("href") == href
    assert found.attributes["action"] == action
    assert found.attributes.get("si-id", "") == si_id
    assert found.attributes["created"].ljust(14, "0") == f"{moment.year:04}{moment:%m%d%H%M%S}"


@given(links, st.sampled_from(["execute-high", "cache"]))
def test_loadings_are_read_as_they_were_made(href: str, action: str) -> None:
    assert read(service_loading(href, action=action)).attributes == {"href": href, "action": action}
