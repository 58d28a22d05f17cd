"""National numbers of an account's region, in messages and in questions about them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.model import Account
from gateway.config.secret import Secret
from gateway.config.smpp_model import AccountSmpp, AddressRule
from gateway.core.model import Draft
from gateway.translate.smpp_operations import Found, destination_of, replacement_of, source_of
from gateway.translate.smpp_reading import Reading, reading_of
from gateway.translate.smpp_submit import draft_of
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp.pdu import CancelSm, QuerySm, ReplaceSm, SubmitSm

NOW_MS = 1_750_000_000_000


def reading(region: str = "RU", **smpp: Any) -> Reading:
    account = Account(
        system_id="app", password_hash=Secret("x"), default_region=region, smpp=AccountSmpp(**smpp)
    )
    return reading_of(account, VendorTlvs())


def written(ton: int, number: str, how: Reading | None = None) -> tuple[int, int, str]:
    pdu = SubmitSm(dest_addr_ton=ton, destination_addr=number, short_message=b"x")
    draft = draft_of(pdu, NOW_MS, how or reading())
    assert isinstance(draft, Draft)
    return draft.destination_ton, draft.destination_npi, draft.destination


@pytest.mark.parametrize("ton", [0, 2])
@pytest.mark.parametrize("number", ["89991234567", "9991234567", "79991234567", "81079991234567"])
def test_a_national_destination_becomes_international(ton: int, number: str) -> None:
    assert written(ton, number) == (1, 1, "79991234567")


def test_a_foreign_number_without_its_sign_stays_itself() -> None:
    assert written(0, "4915123456789") == (1, 1, "4915123456789")


@pytest.mark.parametrize(
    ("ton", "number", "destination"),
    [
        (1, "89991234567", "89991234567"),
        (1, "+89991234567", "89991234567"),
        (0, "+89991234567", "89991234567"),
        (0, "0079991234567", "79991234567"),
        (0, "8080", "8080"),
        (2, "8080", "8080"),
        (3, "9991234567", "9991234567"),
    ],
)
def test_international_numbers_and_short_codes_are_taken_as_they_are(
    ton: int, number: str, destination: str
) -> None:
    assert written(ton, number) == (ton, 0, destination)


def test_the_ton_of_a_rule_says_what_the_account_means() -> None:
    national = reading(destination=AddressRule(ton=2))
    assert written(1, "89991234567", national) == (1, 1, "79991234567")
    abroad = reading(destination=AddressRule(ton=1, npi=1))
    assert written(2, "89991234567", abroad) == (1, 1, "89991234567")


def test_without_a_region_numbers_stay_as_they_come() -> None:
    how = reading("")
    assert how.national is None
    assert not how.has_rules
    assert written(2, "89991234567", how) == (2, 0, "89991234567")


@pytest.mark.parametrize(
    ("ton", "source", "read"),
    [
        (2, "89991234567", (1, 1, "79991234567")),
        (0, "89991234567", (0, 0, "89991234567")),  # a short code perhaps
        (2, "8080", (2, 0, "8080")),
        (5, "Example", (5, 0, "Example")),
        (2, "Example", (2, 0, "Example")),
    ],
)
def test_a_sender_is_national_when_it_says_so(ton: int, source: str, read: tuple[int, int, str]) -> None:
    pdu = SubmitSm(
        source_addr_ton=ton,
        source_addr=source,
        dest_addr_ton=1,
        destination_addr="79991234567",
        short_message=b"x",
    )
    draft = draft_of(pdu, NOW_MS, reading())
    assert isinstance(draft, Draft)
    assert (draft.source_ton, draft.source_npi, draft.source) == read
    assert source_of(QuerySm(source_addr_ton=ton, source_addr=source), reading()) == read


@pytest.mark.parametrize(("ton", "number"), [(0, "89991234567"), (2, "9991234567"), (1, "79991234567")])
def test_a_cancel_means_the_number_that_its_message_went_to(ton: int, number: str) -> None:
    pdu = CancelSm(dest_addr_ton=ton, destination_addr=number)
    assert destination_of(pdu, reading()) == written(ton, number)[2] == "79991234567"


def test_a_replaced_text_goes_where_the_first_went() -> None:
    where = {"destination": "78121234567", "source": "8121234567"}  # as they were read: not once more
    values = dict.fromkeys(Found._fields, "") | {"esm_class": 0, "data_coding": 0, "upstream_ids": []} | where
    draft = replacement_of(ReplaceSm(short_message=b"y"), Found(**values), NOW_MS, reading())  # type: ignore[arg-type]
    assert isinstance(draft, Draft)
    assert (draft.destination, draft.source) == ("78121234567", "8121234567")
