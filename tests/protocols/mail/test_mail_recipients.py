"""Numbers as people write them, local parts, numbers in a line."""

import pytest
from mail_grammar_support import columns, parametrized

from protocols.mail.errors import MailError
from protocols.mail.recipients import CountryRule, Wish, find_numbers, international, parse_local

RUSSIA = CountryRule("8", 11, "7")
RULES = [RUSSIA, CountryRule("0", 11, "44"), CountryRule("810", 14, ""), CountryRule("0011", 15, "")]


@parametrized("numbers")
def test_vectors_of_numbers(text: str, expected: str) -> None:
    assert international(text, RULES) == (None if expected == "-" else expected)


def test_without_rules_a_number_is_what_it_is() -> None:
    assert international("89991234567", []) == "89991234567"
    assert international("07700900123", []) is None
    assert international("0079991234567", []) == "79991234567"


def test_the_first_rule_that_fits_is_applied() -> None:
    assert international("89991234567", [CountryRule("89", 11, "49"), RUSSIA]) == "49991234567"
    assert international("89991234567", [CountryRule("8", 12, "49"), RUSSIA]) == "79991234567"


def test_a_rule_can_make_no_short_code_and_no_overlong_number() -> None:
    assert international("8123456", [CountryRule("81", 7, "")]) is None
    assert international("812345678901234", [CountryRule("8", 15, "77")]) is None


@parametrized("local_parts")
def test_vectors_of_local_parts(text: str, expected: str) -> None:
    if expected.startswith("! "):
        with pytest.raises(MailError) as caught:
            parse_local(text, [RUSSIA])
        assert caught.value.code == "550 5.1.3"
        assert expected[2:] in caught.value.text
        assert caught.value.text.isascii()
        return
    numbers, name, source, segments, characters = columns(expected)
    wish = Wish(tuple(filter(None, numbers.split(", "))), name, source, int(segments), int(characters))
    assert parse_local(text, [RUSSIA]) == wish


@pytest.mark.parametrize("control", ["\r\n", "\0", "\t", "\x1b", "\x7f", "\u2028", "\u202e"])
@pytest.mark.parametrize("local", ["{}", "ops{}", "{}79991234567", "/id=79991234567/from=IN{}FO/"])
def test_security_48_no_control_character_is_in_a_wish(local: str, control: str) -> None:
    with pytest.raises(MailError, match=r"^550 5\.1\.3"):
        parse_local(local.format(control), [])


def test_an_empty_local_part_is_nobody() -> None:
    with pytest.raises(MailError, match=r"^550 5\.1\.3"):
        parse_local("", [])


@parametrized("number_lists")
def test_vectors_of_number_lists(text: str, expected: str) -> None:
    assert find_numbers(text, [RUSSIA], 3) == ([] if expected == "-" else expected.split(", "))


def test_more_numbers_than_the_limit_are_refused() -> None:
    text = ", ".join(f"7999123456{digit}" for digit in range(4))
    assert len(find_numbers(text, [], 4)) == 4
    with pytest.raises(MailError, match=r"^550 5\.5\.3 .*more than 3"):
        find_numbers(text, [], 3)


def test_a_line_break_separates_nothing() -> None:
    assert find_numbers("79991234567\n79997654321", [], 3) == []


def plus_7(digits: str) -> str | None:
    """Reads what begins with 8 or 810, as a region's numbers are read."""
    if digits.startswith("810"):
        return digits[3:]
    return "7" + digits[1:] if digits.startswith("8") and len(digits) == 11 else None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("8 999 123-45-67", "79991234567"),
        ("8 10 49 1512 3456789", "4915123456789"),
        ("+89991234567", "89991234567"),
        ("0089991234567", "89991234567"),
        ("4915123456789", "4915123456789"),
        ("+8", None),
    ],
)
def test_a_region_reads_what_no_rule_fits(text: str, digits: str | None) -> None:
    assert international(text, [], plus_7) == digits


def test_a_rule_comes_before_the_region() -> None:
    assert international("89991234567", [CountryRule("8", 11, "49")], plus_7) == "499991234567"
    assert international("8999123456", [CountryRule("8", 11, "49")], plus_7) == "8999123456"


def test_a_region_reads_all_numbers_of_an_address_and_a_text() -> None:
    wish = parse_local("/id=89991234567/id=+79991234568/", [], plus_7)
    assert wish.numbers == ("79991234567", "79991234568")
    assert parse_local("89991234567", [], plus_7).numbers == ("79991234567",)
    assert parse_local("8shop", [], plus_7).name == "8shop"
    texts = {
        "89991234567, 8 (999) 123-45-68": ["79991234567", "79991234568"],
        "89991234567 89991234568": ["79991234567", "79991234568"],
        "8 999 1234567": ["79991234567"],
        "+4915123456789 89991234567": ["4915123456789", "79991234567"],
    }
    assert {text: find_numbers(text, [], 3, plus_7) for text in texts} == texts
