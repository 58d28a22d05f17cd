"""send.php: what a request becomes, and what it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from front_sending import OTHER, PHONE, SendDesk, sender

from gateway.config.account_model import AccountLimits
from gateway.core.api import ApiFlag
from gateway.core.errors import Refusal
from gateway.core.model import Message, Wish
from gateway.front import address_book, planning, sending
from gateway.front.blacklist import MASS, SINGLE
from gateway.front.desk import ApiProblem, Unavailable
from protocols.sms.alphabet import decode, for_data_coding
from protocols.smsc_http.requests import File

CYRILLIC = "Привет"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendDesk]:
    """A desk for requests of which nothing is kept."""
    made = SendDesk(tmp_path_factory.mktemp("quiet"))
    yield made
    made.close()


def text_of(message: Message) -> str:
    return decode(message.user_data, for_data_coding(message.data_coding))


# -- texts and recipients ----------------------------------------------------------------------------------


def test_a_text_to_a_number(desk: SendDesk) -> None:
    assert desk.ask() == {"id": 1, "cnt": 1}
    message = desk.message()
    assert (message.destination, message.destination_ton, text_of(message)) == (PHONE, 1, "hello")
    assert message.data_coding == 0 and message.origin == 2
    assert desk.notes() == [("app", "1", PHONE, "", 0, 1, 0, "", 0)]


def test_a_text_of_other_letters_is_ucs_2(desk: SendDesk) -> None:
    desk.ask(mes=CYRILLIC)
    assert (desk.message().data_coding, text_of(desk.message())) == (8, CYRILLIC)


@pytest.mark.parametrize("phones", [f"{PHONE},{OTHER}", f" {PHONE} ; {OTHER},", f"+{PHONE};{OTHER};{PHONE}"])
def test_recipients_share_an_id_and_each_is_one_once(desk: SendDesk, phones: str) -> None:
    assert desk.ask(phones=phones) == {"id": 1, "cnt": 2}
    assert [message.destination for message in desk.messages()] == [PHONE, OTHER]
    assert {row[1] for row in desk.notes()} == {"1"}
    assert {row[-1] for row in desk.notes()} == {ApiFlag.MASS.value}
    assert len(desk.journal.batches) == 1


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        ("8 (999) 000-00-01", PHONE),
        ("9990000001", PHONE),
        ("+4915112345678", "4915112345678"),
        ("004915112345678", "4915112345678"),
        ("+88899900001", "88899900001"),
    ],
)
def test_numbers_are_corrected_unless_a_plus_stands_before_them(
    desk: SendDesk, given: str, digits: str
) -> None:
    desk.ask(phones=given)
    assert desk.message().destination == digits


def test_national_numbers_of_the_accounts_country(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, sender(default_region="DE"))
    desk.ask(phones="0151 12345678")
    assert desk.message().destination == "4915112345678"
    desk.close()


def test_a_list_has_a_text_for_each_line(desk: SendDesk) -> None:
    answer = desk.ask(list=f"{PHONE}:one\\ntwo\n{OTHER},{PHONE};three\\n~~~\\nnote")
    assert answer == {"id": 1, "cnt": 3}
    said = [(message.destination, text_of(message)) for message in desk.messages()]
    assert said == [(PHONE, "one\ntwo"), (OTHER, "three"), (PHONE, "three")]
    assert [row[-2] for row in desk.notes()] == ["", "note", "note"]


def test_a_list_says_its_senders(desk: SendDesk) -> None:
    desk.ask(list=f"Example|{PHONE}:one\n{OTHER}:two", sender="79991112233")
    assert [message.source for message in desk.messages()] == ["Example", "79991112233"]


def test_a_list_with_real_line_feeds(desk: SendDesk) -> None:
    desk.ask(list=f"{PHONE}:one\ntwo\n{OTHER}:three", nl="1")
    assert [text_of(message) for message in desk.messages()] == ["one\ntwo", "three"]


def test_a_group_stands_for_its_contacts(desk: SendDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def members(_desk: Any, account: str, number: str, is_mail: bool) -> list[str] | None:
        assert (account, is_mail) == ("app", False)
        return {"777": [PHONE, "380990000001"]}.get(number)

    monkeypatch.setattr(address_book, "group_numbers", members)
    assert desk.ask(phones=f"g777,{OTHER},{PHONE}") == {"id": 1, "cnt": 3}
    assert [message.destination for message in desk.messages()] == [PHONE, "380990000001", OTHER]
    assert desk.refused(phones="G778") == (1, None)


def test_a_group_is_read_once_and_makes_no_more_recipients_than_there_may_be(
    desk: SendDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def members(_desk: Any, _account: str, number: str, _is_mail: bool) -> list[str]:
        read.append(number)
        return [str(79990000000 + one) for one in range(600)]

    monkeypatch.setattr(address_book, "group_numbers", members)
    monkeypatch.setattr(sending, "MAX_RECIPIENTS", 600)
    monkeypatch.setattr(planning, "MAX_RECIPIENTS", 600)
    assert desk.ask(phones="G1")["cnt"] == 600
    assert desk.refused(phones="G1,G1") == (1, None)
    assert desk.refused(list="\n".join(["G1:one"] * 300)) == (1, None)
    assert read == ["1"] * 3
    assert desk.refused(phones="G1," * 601) == (1, None)
    assert len(read) == 3


@pytest.mark.parametrize(
    "params",
    [
        {"phones": ""},
        {"phones": ",;"},
        {"mes": ""},
        {"mes": "x" * 1001},
        {"list": "no colon"},
        {"list": "\n"},
        {"id": "a b"},
        {"id": "x" * 41},
        {"id": "2147483648"},
        {"cost": "4"},
        {"translit": "3"},
        {"op": "2"},
        {"userip": "not an address"},
        {"fileurl": "ftp://example.org/a"},
        {"flash": "1", "bin": "2"},
        {"flash": "2"},
        {"period": "0.01"},
        {"period": "x"},
        {"maxsms": "256"},
        {"smsreq": "9"},
        {"pp": "x"},
        {"bin": "2", "mes": "0"},
        {"bin": "2", "mes": "FF00"},
        {"phones": "7" * 300},
        {"mes": "hello\n~~~\n" + "x" * 1001},
    ],
)
def test_what_makes_no_sense_is_error_1_and_nothing_is_kept(quiet: SendDesk, params: dict[str, str]) -> None:
    assert quiet.refused(**params) == (1, None)
    assert not quiet.journal.batches and not len(quiet.journal.batch)


@pytest.mark.parametrize(
    "params",
    [
        {"phones": ",".join(["+79990000000"] * 10_001)},
        {"phones": "," * 8_000_000},
        {"list": "7999:a\n" * 1_000_000},
        {"list": "\n" * 8_000_000, "nl": "1"},
        {"list": "7," * 4_000_000 + ":a"},
    ],
    ids=["recipients", "commas", "lines", "line feeds", "recipients of a line"],
)
def test_a_request_has_so_many_recipients(quiet: SendDesk, params: dict[str, str]) -> None:
    assert quiet.refused(**params) == (1, None)


# -- id and sender -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "shown"), [("33", 33), ("0033", 33), ("order-1.a_b", "order-1.a_b")])
def test_a_client_may_give_the_id(desk: SendDesk, given: str, shown: int | str) -> None:
    assert desk.ask(id=given)["id"] == shown
    assert desk.notes()[0][1] == str(shown)
    assert desk.message().client_id == given


def test_no_id_is_given_with_0_and_ids_count_up(desk: SendDesk) -> None:
    assert [desk.ask(id="0", mes=text)["id"] for text in "ab"] == [1, 2]


@pytest.mark.parametrize(
    ("params", "source"),
    [
        ({"sender": "Example"}, (5, 0, "Example")),
        ({"sender": "79991112233"}, (1, 1, "79991112233")),
        ({"sender": "1234"}, (3, 0, "1234")),
        ({"sender": "."}, (0, 0, "")),
        ({"sender": ""}, (0, 0, "")),
        ({}, (0, 0, "")),
    ],
)
def test_senders(desk: SendDesk, params: dict[str, str], source: tuple[int, int, str]) -> None:
    desk.ask(**params)
    message = desk.message()
    assert (message.source_ton, message.source_npi, message.source) == source


def test_a_sender_that_the_account_may_not_use_is_error_6(desk: SendDesk) -> None:
    assert desk.ask("named")["cnt"] == 1
    assert desk.message().source == "Example"
    assert desk.refused("named", sender="Other", id="5") == (6, 5)
    assert desk.registered() == [(PHONE, 8, Refusal.SOURCE.value)]
    assert desk.refused(sender="x" * 12) == (6, 2)


# -- answers ----------------------------------------------------------------------------------------------


def test_the_cost_and_the_balance(desk: SendDesk) -> None:
    assert desk.ask("rich", cost="2") == {"id": 1, "cnt": 1, "cost": "0.50"}
    answer = desk.ask("rich", cost="3", mes=CYRILLIC * 12, id="a")
    assert answer == {"id": "a", "cnt": 2, "cost": "1.00", "balance": "8.50"}
    assert [row[6] for row in desk.notes()] == [500_000, 1_000_000]
    assert desk.ask(cost="3", id="b") == {"id": "b", "cnt": 1, "cost": "0.00", "balance": "0.00"}


def test_the_cost_alone_takes_nothing(desk: SendDesk) -> None:
    assert desk.ask("rich", cost="1", phones=f"{PHONE},{OTHER},12", mes=CYRILLIC * 12) == {
        "cost": "2.00",
        "cnt": 4,
    }
    assert not desk.journal.batches and not len(desk.journal.batch)
    assert desk.desk.ledger().purse("rich").balance == 10_000_000


def test_the_cost_is_told_whatever_the_balance_is(desk: SendDesk) -> None:
    desk.desk.ledger().purse("rich").balance = 0
    assert desk.ask("rich", cost="1") == {"cost": "0.50", "cnt": 1}


def test_each_number_is_told(desk: SendDesk) -> None:
    answer = desk.ask("rich", op="1", phones=f"{PHONE},12")
    assert answer["phones"] == [
        {"phone": PHONE, "mccmnc": "250", "cost": "0.50", "status": "-1", "error": "0"},
        {"phone": "12", "mccmnc": "", "cost": "0.00", "status": "22", "error": "249"},
    ]
    assert desk.ask(err="1", phones=f"{OTHER},13")["phones"] == [
        {"phone": "13", "mccmnc": "", "cost": "0.00", "status": "22", "error": "249"}
    ]


# -- refusals ---------------------------------------------------------------------------------------------


def test_the_usual_request_is_refused_as_any_other(desk: SendDesk) -> None:
    desk.desk.ledger().purse("rich").balance = 0
    assert desk.refused("rich", id="5") == (3, 5)
    assert desk.registered() == [(PHONE, 8, Refusal.BALANCE.value)]
    assert desk.desk.submission.refused[Refusal.BALANCE] == 1
    assert desk.refused("named", sender="Other", id="6") == (6, 6)
    assert [row[1] for row in desk.notes()] == ["5", "6"]


def test_a_bad_number_is_registered_with_an_id(desk: SendDesk) -> None:
    assert desk.refused(phones="12", id="33") == (7, 33)
    assert desk.registered() == [("12", 8, Refusal.DESTINATION.value)]
    assert desk.notes() == [("app", "33", "12", "", 0, 1, 0, "", 0)]
    assert not desk.messages()


def test_no_money_is_error_3_for_all_of_a_request(desk: SendDesk) -> None:
    desk.desk.ledger().purse("rich").balance = 600_000
    assert desk.refused("rich", phones=f"{PHONE},{OTHER}") == (3, 1)
    assert [row[2] for row in desk.registered()] == [Refusal.BALANCE.value] * 2
    assert desk.desk.ledger().purse("rich").balance == 600_000
    assert not desk.messages()


def test_what_no_route_leads_to_is_error_8(tmp_path: Path) -> None:
    from gateway.core.routing import Route

    desk = SendDesk(tmp_path, routes=(Route("49", ("one",)),))
    assert desk.refused() == (8, 1)
    assert desk.ask(phones="+4915112345678,+79990000001", id="b") == {"id": "b", "cnt": 1}
    desk.close()


def test_the_rate_is_error_9_and_nothing_is_kept(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, sender(rate=1))
    desk.ask()
    assert desk.refused(phones=f"{PHONE},{OTHER}") == (9, None)
    assert len(desk.journal.batches) == 1
    desk.close()


def test_an_end_users_address_has_a_limit(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, sender(limits=AccountLimits(per_address=1)))
    assert desk.ask(userip="192.0.2.50")["cnt"] == 1
    assert desk.refused(userip="192.0.2.50", mes="b") == (6, 2)
    assert desk.ask(userip="192.0.2.51")["cnt"] == 1
    desk.close()


def test_who_sends_too_long_a_text_is_told_how_long_it_may_be(desk: SendDesk) -> None:
    with pytest.raises(ApiProblem) as caught:
        desk.ask(mes=CYRILLIC * 120)
    assert (caught.value.number, caught.value.id) == (1, None)
    assert "more than 10 SMS (max_segments" in caught.value.text


def test_many_to_one_number_in_a_row_are_refused(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, sender(limits=AccountLimits(flood=1)))
    desk.ask()
    assert desk.refused(mes="again") == (9, None)
    desk.close()


def test_nothing_is_taken_while_the_store_cannot_write(desk: SendDesk) -> None:
    desk.journal.fails = True
    with pytest.raises(Unavailable):
        desk.ask("rich")
    assert desk.desk.ledger().purse("rich").balance == 10_000_000
    assert desk.desk.accounts["rich"].open_messages == 0


def test_numbers_that_want_none_of_several_or_none_alone_get_none(desk: SendDesk) -> None:
    desk.desk.black["app"] = {PHONE: MASS, OTHER: SINGLE}
    assert desk.ask()["cnt"] == 1
    assert desk.refused(phones=OTHER) == (8, 2)
    answer = desk.ask(phones=f"{PHONE},{OTHER}", err="1", id="a")
    assert (answer["cnt"], answer["phones"][0]["phone"], answer["phones"][0]["error"]) == (1, PHONE, "250")
    assert [row[2] for row in desk.registered()] == [Refusal.BLACKLIST.value] * 2
    assert desk.ask("rich", phones=OTHER)["cnt"] == 1


def test_a_full_queue_is_no_error_of_the_request(tmp_path: Path) -> None:
    desk = SendDesk(tmp_path, sender(max_open=1))
    with pytest.raises(Unavailable):
        desk.ask(phones=f"{PHONE},{OTHER}")
    assert not desk.journal.batches
    desk.close()


def test_messages_are_called_for_where_the_account_is_told(desk: SendDesk) -> None:
    desk.ask("told")
    assert desk.message().flags & Wish.CALLED
    desk.ask()
    assert not desk.messages()[1].flags & Wish.CALLED


@pytest.mark.parametrize(
    ("params", "has_file"),
    [({"imgcode": "abc", "userip": "192.0.2.1"}, False), ({}, True), ({"cost": "1"}, True)],
)
def test_captchas_and_files_are_a_services_matter(
    desk: SendDesk, params: dict[str, str], has_file: bool
) -> None:
    files = (File("a.jpg", b"x" * 200, "image/jpeg", "file"),) if has_file else ()
    wanted = {"phones": PHONE, "mes": "cat", "mms": "1", **params}
    with pytest.raises(ApiProblem) as caught:
        asyncio.run(desk.call(wanted, "full", files))
    assert caught.value.number == 1 and "http.relay" in caught.value.text
    assert not desk.journal.batches
