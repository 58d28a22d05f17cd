"""The list of bad input: each of its lines has a test that says so by its number, and a row in the manual.

A number stands in a test's name (`test_security_27_…`, `test_security_25_26_…`, `…_28_to_30_…`) or
in the source of a vector ("security 4"), which then stands in the test's id.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

from gateway.api import json_reading
from gateway.core import logins
from gateway.ingress import http_requests, mail_policy, mail_worker, smpp
from gateway.store import part_steps
from protocols.mail import body, mime
from protocols.smpp.settings import SessionSettings
from protocols.sms import receipts

TESTS = Path(__file__).parent
MANUAL = TESTS.parent / "docs" / "security.md"
UNUSED = {44, 49, 51, 70}
"""Numbers that the list leaves out."""
LINES = set(range(1, 77)) - UNUSED
GATEWAYS_AND_LISTENERS = ("journeys", "process", "quirks", "interop", "ingress", "api", "egress")
BELOW = {4, 5, 6, 7, 8, 13, 14, 15}
"""Lines of the wire that are tried on the session that every listener has, tests/protocols/smpp."""
IN_PARTS = {53, 55, 64, 66, 73, 74, 76}
"""Lines that are tried on the part that answers for them."""


def numbers_in(name: str) -> set[int]:
    """The lines that a test's name carries: `test_security_25_26_a_broken_udh`."""
    match = re.match(r"test_security_((?:\d+_(?:(?:to|and)_)?)+)", name)
    words = match[1].strip("_").split("_") if match else []
    found: set[int] = set()
    for at, word in enumerate(words):
        if word == "to":
            found |= set(range(int(words[at - 1]), int(words[at + 1]) + 1))
        elif word.isdigit():
            found.add(int(word))
    return found


@cache
def all_tests() -> list[tuple[Path, str]]:
    """Each test function, with its file."""
    found = []
    for file in TESTS.rglob("test_*.py"):
        if "peers" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.append((file.relative_to(TESTS), node.name))
    return found


def lines_of(*folders: str) -> set[int]:
    """The lines that tests in these folders carry; without a folder, all tests."""
    found: set[int] = set()
    for file, name in all_tests():
        if not folders or not set(folders).isdisjoint(file.parts[:2]):
            found |= numbers_in(name)
    return found


def rows_of_the_manual() -> list[tuple[int, str, str]]:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", MANUAL.read_text("utf-8"), re.M)
    return [(int(number), given, answer) for number, given, answer in rows]


def test_names_are_read() -> None:
    assert numbers_in("test_security_04_a_string_of_70_000") == {4}
    assert numbers_in("test_security_25_26_a_broken_udh") == {25, 26}
    assert numbers_in("test_security_9_to_11_operations") == {9, 10, 11}
    assert numbers_in("test_security_1_and_2_command_length") == {1, 2}
    assert numbers_in("test_security_systemd_exposure_is_low") == numbers_in("test_75") == set()


def test_every_line_has_a_test() -> None:
    assert LINES - lines_of() == set()


def test_no_test_carries_a_number_that_is_no_line() -> None:
    assert lines_of() - LINES == set()


def test_every_line_is_tried_on_a_gateway_or_a_listener_unless_said_otherwise() -> None:
    assert LINES - lines_of(*GATEWAYS_AND_LISTENERS) - BELOW - IN_PARTS == set()
    assert BELOW | IN_PARTS <= LINES


def test_every_line_has_a_row_in_the_manual_with_an_answer() -> None:
    rows = rows_of_the_manual()
    assert LINES - {number for number, _, _ in rows} == set()
    assert {number for number, _, _ in rows} - LINES == set()
    assert [number for number, given, answer in rows if not given.strip() or not answer.strip()] == []


LIMITS = (
    (2, SessionSettings().max_pdu_length),
    (7, SessionSettings().max_tlvs),
    (14, SessionSettings().unknown_responses_per_min),
    (16, SessionSettings().pdu_timeout_s),
    (17, smpp.STUCK_AFTER_S),
    (17, smpp.WRITE_BUFFER / 1024),
    (19, logins.CHECKS_AT_ONCE),
    (19, logins.CHECKS_OF_AN_ADDRESS),
    (24, receipts.MAX_OCTETS),
    (26, part_steps.SETS_MAX),
    (35, logins.LONGEST_DELAY_S),
    (37, logins.CHECKS_AT_ONCE),
    (37, logins.CHECKS_OF_AN_ADDRESS),
    (50, mime.MAX_HEADER / 1024),
    (52, body.MAX_DEPTH),
    (52, body.MAX_PARTS),
    (56, mail_worker.MAX_HTML / 1024),
    (57, mail_policy.MAX_HOPS),
    (61, http_requests.FIELD_MAX / 1024),
    (61, http_requests.LINE_MAX / 1024 - 1),  # a path may have the rest
    (61, http_requests.FIELDS_MAX),
    (61, json_reading.MAX_DEPTH),
)
"""Line → a number in its row."""


def test_security_2_7_14_16_17_19_24_26_35_37_50_52_56_57_61_the_limits_are_those_of_the_manual() -> None:
    rows = rows_of_the_manual()
    for line, limit in LIMITS:
        said = [f"{given} {answer}" for number, given, answer in rows if number == line]
        assert any(re.search(rf"(?<![\d,]){limit:,.0f}(?![\d,])", text) for text in said), (line, limit)


def test_every_vector_that_names_a_line_names_one_that_there_is() -> None:
    vectors = json.loads((TESTS / "vectors" / "smpp" / "malformed.json").read_text("utf-8"))
    named = {int(number) for row in vectors for number in re.findall(r"security (\d+)", row["source"])}
    assert {1, 2, 4, 5, 6, 7, 8, 9} <= named <= LINES


def test_what_is_said_of_systemd_has_tests() -> None:
    of_systemd = {name for _, name in all_tests() if name.startswith("test_security_systemd_")}
    assert of_systemd >= {
        "test_security_systemd_exposure_is_low",
        "test_security_systemd_a_bad_configuration_is_not_tried_again",
        "test_security_systemd_the_gateway_works_under_the_units_restrictions",
        "test_security_systemd_is_told_of_every_turn",
    }
