"""Numbers, senders and their masks."""

import pytest

from protocols.sms.addresses import digits_of, guess_source_ton_npi, is_alphanumeric_sender, is_e164, mask


@pytest.mark.parametrize("digits", ["79991234567", "6831234", "123456789012345"])
def test_e164(digits: str) -> None:
    assert is_e164(digits)


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "683123",
        "1234567890123456",
        "09991234567",
        "+79991234567",
        "7999123456a",
        "7999 1234567",
        "79991234567\n",
        "٧٩٩٩١٢٣٤٥٦٧",
        "7999\x001234567",
    ],
)
def test_security_32_what_is_not_e164(digits: str) -> None:
    assert not is_e164(digits)


@pytest.mark.parametrize(
    ("address", "ton", "digits"),
    [
        ("+79991234567", 1, "79991234567"),
        ("0079991234567", 1, "79991234567"),
        ("79991234567", 1, "79991234567"),
        ("+79991234567", 0, "79991234567"),
        ("0079991234567", 0, "79991234567"),
        ("0079991234567", 2, "0079991234567"),
        ("+79991234567", 3, "+79991234567"),
        ("00Bank", 5, "00Bank"),
        ("089991234567", 0, "089991234567"),
        ("", 1, ""),
    ],
)
def test_quirk_50_international_prefix(address: str, ton: int, digits: str) -> None:
    assert digits_of(address, ton) == digits


@pytest.mark.parametrize("sender", ["B", "Bank", "Bank Ltd 24", "Café Müller", "[Bank]"])
def test_alphanumeric_senders(sender: str) -> None:
    assert is_alphanumeric_sender(sender)


@pytest.mark.parametrize(
    "sender", ["", "TwelveLetter", "Банк", "[Bank 1234]", "Ban\0k", "Bank\r", "Bank\n", "\fBank", "Ba\x1bnk"]
)
def test_security_31_senders_that_are_refused(sender: str) -> None:
    assert not is_alphanumeric_sender(sender)


@pytest.mark.parametrize(
    ("sender", "ton_npi"),
    [
        ("79991234567", (1, 1)),
        ("+79991234567", (1, 1)),
        ("+12345", (1, 1)),
        ("1234567", (1, 1)),
        ("123456", (3, 0)),
        ("911", (3, 0)),
        ("Bank", (5, 0)),
        ("24Bank", (5, 0)),
        ("+", (5, 0)),
        ("٩١١", (5, 0)),
        ("", (5, 0)),
    ],
)
def test_guess_source_ton_npi(sender: str, ton_npi: tuple[int, int]) -> None:
    assert guess_source_ton_npi(sender) == ton_npi


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("79991234567", "7999***4567"),
        ("123456789012345", "1234*******2345"),
        ("1234567890", "1234****90"),
        ("12345678", "1234**78"),
        ("1234567", "12*****"),
        ("911", "91*"),
        ("9", "9"),
        ("", ""),
    ],
)
def test_mask(number: str, masked: str) -> None:
    assert mask(number) == masked
    assert len(masked) == len(number)
