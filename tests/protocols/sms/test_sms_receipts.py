"""Receipts: the vectors of tests/vectors/sms, named after the quirk each of them shows."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.sms import receipts
from protocols.sms.receipts import FORMS, STATE_WORDS, convert, id_forms, parse_date, parse_text, response_key

VECTORS = Path(__file__).parents[2] / "vectors" / "sms"


def vectors(file: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in json.loads((VECTORS / file).read_text("utf-8"))]


def octets(vector: dict[str, Any]) -> bytes:
    if "hex" in vector:
        return bytes.fromhex(vector["hex"])
    return str(vector["text"]).encode("latin-1")


@pytest.mark.parametrize("vector", vectors("receipts.json"))
def test_variants_of_real_smscs(vector: dict[str, Any]) -> None:
    receipt = parse_text(octets(vector), utf16=vector.get("utf16", False))
    assert receipt is not None
    assert {name: getattr(receipt, name) for name in vector["expect"]} == vector["expect"]


@pytest.mark.parametrize("vector", vectors("not_receipts.json"))
def test_other_texts_are_no_receipts(vector: dict[str, Any]) -> None:
    assert parse_text(octets(vector), utf16=vector.get("utf16", False)) is None


def test_security_23_unknown_state_text_is_unknown() -> None:
    for word in ("DELAYED", "DELIVRDX", "2", "Ω"):
        receipt = parse_text(f"id:1 stat:{word} err:000".encode("utf-16-be"), utf16=True)
        assert receipt is not None
        assert (receipt.state, receipt.stat) == (receipts.UNKNOWN, word)


@pytest.mark.parametrize(
    "data",
    [
        b"id:" + b"9" * 5000 + b" stat:DELIVRD",
        b"id:1 stat:" + b"X" * 5000,
        b"id:1 stat:DELIVRD err:" + b"7" * 5000,
        b"id:1 stat:DELIVRD sub:" + b"7" * 900 + b" dlvrd:" + b"8" * 5000,
        b"id:1 stat:DELIVRD submit date:" + b"1" * 800 + b" done date:" + b"2" * 5000,
        b"id:1 stat:DELIVRD text:" + b"t" * 100_000,
        b"id:1 stat:DELIVRD " * 5000,
    ],
)
def test_security_24_huge_or_repeated_fields_are_bounded(data: bytes) -> None:
    for octets_, utf16 in ((data, False), (data.decode("latin-1").encode("utf-16-be"), True)):
        receipt = parse_text(octets_, utf16=utf16)
        assert receipt is not None
        assert len(receipt.id) <= receipts.MAX_ID
        assert len(receipt.stat) <= 16
        assert len(receipt.error) <= 16
        assert len(receipt.submit_date) <= 32
        assert len(receipt.done_date) <= 32
        assert len(receipt.text) <= receipts.MAX_OCTETS
        assert receipt.sub is None
        assert receipt.dlvrd is None


def test_security_24_the_normal_form_is_bounded_too() -> None:
    head = receipts.format_text("1", receipts.DELIVERED, "2401020304", "2401020305")
    receipt = parse_text(head + b"t" * 100_000)
    assert receipt is not None
    assert len(receipt.text) == receipts.MAX_OCTETS - len(head)


def test_security_24_an_id_too_long_is_no_id_rather_than_another_one() -> None:
    longest = parse_text(b"id:" + b"9" * 65 + b" stat:DELIVRD")
    longer = parse_text(b"id:" + b"9" * 66 + b" stat:DELIVRD")
    assert longest is not None
    assert longer is not None
    assert longest.id == "9" * 65
    assert longer.id == ""


def test_security_24_the_first_of_repeated_fields_counts() -> None:
    receipt = parse_text(b"id:1 stat:DELIVRD id:2 stat:REJECTD err:1 err:2")
    assert receipt is not None
    assert (receipt.id, receipt.state, receipt.error) == ("1", receipts.DELIVERED, "1")


def test_fields_after_text_belong_to_the_message() -> None:
    receipt = parse_text(b"id:1 stat:UNDELIV text:err:9 id:2 stat:DELIVRD")
    assert receipt is not None
    assert (receipt.id, receipt.state, receipt.error) == ("1", receipts.UNDELIVERABLE, "")
    assert receipt.text == "err:9 id:2 stat:DELIVRD"


@pytest.mark.parametrize("vector", vectors("receipt_dates.json"))
def test_quirk_15_dates(vector: dict[str, Any]) -> None:
    expected = vector["expect"]
    assert parse_date(vector["text"]) == (expected and datetime.fromisoformat(expected))


def test_format_is_appendix_b() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 59, tzinfo=UTC)
    assert receipts.format_date(moment) == "2401020304"
    text = receipts.format_text("77", receipts.DELIVERED, "2401020304", "2401020305", 0, b"hello")
    assert text == (
        b"id:77 sub:001 dlvrd:001 submit date:2401020304 done date:2401020305 stat:DELIVRD err:000 text:hello"
    )


def test_format_of_a_failure_counts_nothing_delivered() -> None:
    text = receipts.format_text("77", receipts.UNDELIVERABLE, "2401020304", "2401020305", 34, sub=3)
    assert b" sub:003 dlvrd:000 " in text
    assert text.endswith(b" stat:UNDELIV err:034 text:")


def test_format_takes_an_error_as_text_and_cuts_the_message_to_20_octets() -> None:
    text = receipts.format_text("1", receipts.EXPIRED, "2401020304", "2401020305", "0A5", b"x" * 30, dlvrd=1)
    assert b" dlvrd:001 " in text
    assert text.endswith(b" err:0A5 text:" + b"x" * 20)


def test_format_writes_a_state_without_a_word_as_unknown() -> None:
    assert b" stat:UNKNOWN " in receipts.format_text("1", 99, "2401020304", "2401020305")


@settings(max_examples=150, deadline=None)
@given(
    id_=st.text("0123456789abcdefABCDEF-", min_size=1, max_size=64),
    state=st.sampled_from(sorted(STATE_WORDS)),
    error=st.integers(0, 999),
    text=st.binary(max_size=20),
    utf16=st.booleans(),
)
def test_what_is_formatted_parses_back(id_: str, state: int, error: int, text: bytes, utf16: bool) -> None:
    data = receipts.format_text(id_, state, "2401020304", "2401020305", error, text)
    if utf16:
        data = data.decode("latin-1").encode("utf-16-be")
    receipt = parse_text(data, utf16=utf16)
    assert receipt is not None
    assert (receipt.id, receipt.state, receipt.error) == (id_, state, f"{error:03d}")
    assert receipt.text == text.decode("latin-1").rstrip("\0")
    assert receipt.dlvrd == (1 if state == receipts.DELIVERED else 0)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=60), state=st.sampled_from(sorted(STATE_WORDS)))
def test_the_tolerant_reading_agrees_with_the_fast_one(data: bytes, state: int) -> None:
    normal = receipts.format_text("77", state, "2401020304", "2401020305", 5, data)
    # A second space takes the text out of the normal form and changes nothing else.
    tolerant = normal.replace(b" sub:", b"  sub:", 1)
    assert parse_text(tolerant) == parse_text(normal)


@pytest.mark.parametrize("vector", vectors("message_ids.json"))
def test_ids_of_response_and_receipt_meet(vector: dict[str, str]) -> None:
    key = response_key(vector["response"])
    assert convert(vector["form"], vector["receipt"]) == key
    assert (vector["form"], key) in id_forms(vector["receipt"])


def test_quirk_05_ids_with_dashes_are_never_converted() -> None:
    assert id_forms("00-12") == [("same", "00-12")]
    assert response_key("00AB-12") == "00ab-12"


def test_quirk_06_no_id_has_no_forms() -> None:
    assert response_key("") == ""
    assert response_key("000") == "0"
    assert id_forms("") == []


def test_forms_begin_with_the_usual_one() -> None:
    assert FORMS[0] == "same"
    assert [form for form, _ in id_forms("123")] == ["same", "hex_to_dec", "dec_to_hex"]


@pytest.mark.parametrize("id_", ["12 3", "1_2", "0x1F", "+12", "१२", "12.5", "g1"])
def test_what_is_no_number_is_not_converted(id_: str) -> None:
    assert [form for form, _ in id_forms(id_)] == ["same"]


def test_security_24_ids_over_65_characters_have_no_forms() -> None:
    assert len(id_forms("1" * 65)) == 3
    assert id_forms("1" * 66) == []


def test_an_unknown_form_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no such form"):
        convert("hex", "12")


@settings(max_examples=150, deadline=None)
@given(number=st.integers(1, 16**60), zeros=st.integers(0, 4), upper=st.booleans())
def test_a_converted_id_meets_its_response(number: int, zeros: int, upper: bool) -> None:
    hexadecimal = "0" * zeros + (f"{number:X}" if upper else f"{number:x}")
    assert convert("hex_to_dec", hexadecimal) == response_key(str(number))
    if len(str(number)) <= receipts.MAX_ID:
        assert convert("dec_to_hex", str(number)) == response_key(hexadecimal)
