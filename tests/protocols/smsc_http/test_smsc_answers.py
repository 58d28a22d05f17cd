"""The service's answers are read from the octets that the reference shows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smsc_vectors import Vector, failures, successes

from protocols.smsc_http import answers
from protocols.smsc_http.answers import AnswerError, Failure, parse
from protocols.smsc_http.operations import FILES, OPERATIONS

SUCCESSES = successes()
FAILURES = failures()


@pytest.mark.parametrize("vector", SUCCESSES, ids=[vector.name for vector in SUCCESSES])
def test_a_success_becomes_what_fmt_3_says(vector: Vector) -> None:
    for fmt, text in vector.texts.items():
        assert parse(vector.operation, fmt, text, params=vector.params) == vector.told(fmt)


@pytest.mark.parametrize("vector", FAILURES, ids=[vector.name for vector in FAILURES])
def test_an_error_is_known_in_every_format(vector: Vector) -> None:
    number, words, message_id = vector.value
    for fmt, text in vector.texts.items():
        assert parse(vector.operation, fmt, text) == Failure(number, words if fmt != 1 else "", message_id)


def test_every_operation_has_its_answers_among_the_vectors() -> None:
    found = {(vector.operation, fmt) for vector in SUCCESSES for fmt in vector.texts}
    shown = OPERATIONS.keys() - FILES | {"doc_add_account"}
    assert found == {(name, fmt) for name in shown for fmt in range(4)}


def test_line_feeds_around_an_answer_are_not_part_of_it() -> None:
    for vector in SUCCESSES:
        for fmt, text in vector.texts.items():
            around = f"\n{text}\r\n"
            assert parse(vector.operation, fmt, around, params=vector.params) == vector.told(fmt)


def test_a_text_id_that_the_service_writes_without_quotes_is_read() -> None:
    assert parse("send", 3, '{\n"id": order-17.b,\n"cnt": 1\n}') == {"id": "order-17.b", "cnt": 1}
    assert parse("send", 3, '{"cnt": 1, "id": 0012}') == {"id": "0012", "cnt": 1}
    text = '[{"status": 1, "id": a_b, "phone": "79999999999"}]'
    assert parse("status", 3, text) == [{"status": 1, "id": "a_b", "phone": "79999999999"}]
    text = '{\n"error": "invalid number",\n"error_code": 7,\n"id": x7\n}'
    assert parse("send", 3, text) == Failure(7, "invalid number", "x7")


def test_an_ok_in_json_may_be_the_bare_word_where_nothing_else_is_to_be_said() -> None:
    assert parse("phone_del", 3, "OK\n") == {"result": "OK"}
    for operation in ("send", "status", "balance", "phone_get"):
        with pytest.raises(AnswerError):
            parse(operation, 3, "OK")


def test_numbers_and_texts_are_told_apart_by_the_tables_and_not_by_quotes() -> None:
    assert parse("send", 3, '{"id": "33", "cnt": "2", "cost": 1.40}') == {"id": 33, "cnt": 2, "cost": "1.40"}
    assert parse("balance", 3, '{"balance": 100}') == {"balance": "100"}
    assert parse("status", 3, '{"status": "-1", "err": ""}') == {"status": -1}


def test_what_no_table_knows_stays_when_it_is_a_plain_value() -> None:
    text = '{"id": 1, "cnt": 1, "new": "x", "count": 7, "none": null, "deep": {"a": 1}, "yes": true}'
    assert parse("send", 3, text) == {"id": 1, "cnt": 1, "new": "x", "count": 7}
    text = "<result><id>1</id><cnt>1</cnt><new>x</new><deep><a>1</a></deep></result>"
    assert parse("send", 2, text) == {"id": 1, "cnt": 1, "new": "x"}


def test_a_sender_that_was_made_may_be_called_id() -> None:
    assert parse("sender_add", 3, '{"id": 7}') == {"sender": 7}
    assert parse("mail_black_get", 3, '[{"id": 1, "mail": "a@example.com"}]') == [
        {"id": 1, "email": "a@example.com"}
    ]


def test_a_list_may_come_as_its_only_record() -> None:
    assert parse("phone_get", 3, '{"phone": "79999999999"}') == [{"phone": "79999999999"}]


def test_the_shape_seen_counts_when_the_request_is_not_known() -> None:
    assert parse("status", 3, '[{"status": 1}]') == [{"status": 1}]
    assert parse("operator", 2, "<list><info><phone>7</phone></info></list>") == [{"phone": "7"}]
    found = parse("status", 2, "<sms><status>1</status><imsi>250</imsi><type>3</type></sms>")
    assert found == {"status": 1, "imsi": "250", "type": 3}


def test_a_text_of_several_lines_is_read_where_there_is_only_one_record() -> None:
    text = "1,1679060876,0,1679060870,79999999999,1.40,ivan,Delivered,Hello,\nworld, , 0"
    found = parse("status", 1, text, params={"all": "1"})
    assert isinstance(found, dict)
    assert (found["message"], found["comment"], found["type"]) == ("Hello,\nworld", "", 0)


def test_a_first_field_of_zero_is_no_error_by_itself() -> None:
    assert parse("status", 1, "0,1679060876,0") == {"status": 0, "last_timestamp": 1679060876, "err": 0}
    assert parse("balance", 1, "0") == {"balance": "0"}
    assert parse("cost", 1, "0,1") == {"cost": "0", "cnt": 1}


def test_only_sending_names_a_message_in_an_error() -> None:
    assert parse("user_pay", 3, '{"error": "x", "error_code": 7, "id": 5}') == Failure(7, "x")
    with pytest.raises(AnswerError):
        parse("user_add", 1, "5,-3")


def test_an_error_in_place_of_a_file_is_read_and_anything_else_is_no_answer() -> None:
    refused = '{\n"error": "document not found",\n"error_code": 7\n}'
    for fmt in range(4):  # documents.php always speaks JSON
        assert parse("doc_get_act", fmt, refused) == Failure(7, "document not found")
    assert parse("dl_file", 1, "0,-5") == Failure(5, "")
    for name in FILES - {"doc_add_account"}:
        with pytest.raises(AnswerError):
            parse(name, 3, '{"id": 1}')


def test_halves_of_characters_do_not_get_in() -> None:
    found = parse("tpl_get", 3, r'[{"id": 1, "message": "a\ud83d", "x\ud83d": "b", "new": "\udc00"}]')
    assert found == [{"id": 1, "message": "a\ufffd", "new": "\ufffd"}]
    assert parse("send", 3, r'{"error": "\ud800", "error_code": 1}') == Failure(1, "\ufffd")


@pytest.mark.parametrize(
    ("operation", "fmt", "text"),
    [
        ("send", 3, ""),
        ("send", 3, "<html>busy</html>"),
        ("send", 3, "{}"),
        ("send", 3, "null"),
        ("send", 3, "33"),
        ("send", 3, '{"id": 1, "id": 2, "cnt": 1}'),
        ("send", 3, '{"id": [1], "cnt": 1}'),
        ("send", 3, '{"id": true, "cnt": 1}'),
        ("send", 3, '{"id": 1, "cnt": "many"}'),
        ("send", 3, '{"id": 1, "cnt": 1.5}'),
        ("send", 3, '{"id": 1, "cnt": NaN}'),
        ("send", 3, '{"id": 1, "cnt": Infinity}'),
        ("send", 3, '{"id": 111111111111111111111111, "cnt": 1}'),
        ("send", 3, '{"id": 1, "cnt": 1, "phones": {}}'),
        ("send", 3, '{"id": 1, "cnt": 1, "phones": [1]}'),
        ("send", 3, '[{"id": 1, "cnt": 1}]'),
        ("send", 3, "[" * 100_000),
        ("send", 3, '{"a":' * 100_000),
        ("send", 3, '{"error": "x", "error_code": "y"}'),
        ("send", 3, '{"error": ["x"], "error_code": 1}'),
        ("send", 3, '{"error": "x", "error_code": null}'),
        ("status", 3, '{"last_date": ""}'),
        ("phone_get", 3, "[1]"),
        ("phone_get", 3, '[[{"phone": "7"}]]'),
        ("ping", 3, '{"result": "no"}'),
        ("ping", 3, '{"id": 1}'),
        ("send", 2, ""),
        ("send", 2, "<list><id>1</id></list>"),
        ("send", 2, "<result><id>1</id><id>2</id><cnt>1</cnt></result>"),
        ("send", 2, "<result><id>1</id><cnt>1</cnt>"),
        ("send", 2, "<result><id>&id;</id><cnt>1</cnt></result>"),
        ("send", 2, "<result><error_code>x</error_code></result>"),
        ("phone_get", 2, "<result></result>"),
        ("phone_get", 2, "<list><group></group></list>"),
        ("ping", 2, "<result>no</result>"),
        ("optpl_get", 2, "<result><template><status>1</status></template></result>"),
        ("send", 1, "OK"),
        ("send", 1, "1,2,3"),
        ("send", 1, "x,y"),
        ("ping", 1, "1"),
        ("status", 1, "1,2"),
        ("user_stat", 1, "a,b"),
        ("user_stat_all", 1, "a,b"),
        ("price", 1, "5\n5"),
        ("send", 0, "OK - 1 SMS"),
        ("send", 0, "OK - x SMS, ID - 33"),
        ("ping", 0, "ok"),
        ("phone_get", 0, "phone = 7"),
    ],
)
def test_what_is_no_answer_is_refused_without_repeating_it(operation: str, fmt: int, text: str) -> None:
    with pytest.raises(AnswerError) as refused:
        parse(operation, fmt, text)
    assert len(str(refused.value)) < 100


def test_a_text_that_is_too_long_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_CHARACTERS", 21)
    with pytest.raises(AnswerError, match="longer"):
        parse("send", 3, '{\n"id": 33,\n"cnt": 1\n}')


def test_there_are_four_formats() -> None:
    with pytest.raises(ValueError, match="fmt"):
        parse("send", 4, "1")


PIECES = st.sampled_from(
    [
        *('{"id": ', '{"status": ', "1", "-3", ",", "\n", "[", "]", "{", "}", '"', "null", "x", '": ', " = "),
        *("<result>", "</result>", "<list>", "<sms>", "</sms>", "<id>", "</id>", "&amp;", "&#0;", "<", ">"),
        *("OK", "ERROR = ", "(", ")", "Status = ", ", err = ", ",-2", "HLR", "mail = ", "|", ";", "/>", "'"),
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.integers(0, 3),
    st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join)),
    st.sampled_from(
        [{}, {"all": "1"}, {"all": "2", "phone": "7,"}, {"cost": "3"}, {"cur": "1"}, {"mail": "1"}]
    ),
)
def test_only_the_documented_error_escapes(
    operation: str, fmt: int, text: str, params: dict[str, str]
) -> None:
    try:
        found = parse(operation, fmt, text, params=params)
    except AnswerError:
        return
    assert isinstance(found, Failure | dict | list)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SUCCESSES), st.data())
def test_a_damaged_answer_is_an_answer_or_refused(vector: Vector, data: st.DataObject) -> None:
    fmt, whole = data.draw(st.sampled_from(sorted(vector.texts.items())))
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, min(len(whole), at + 20)))
    text = whole[:at] + data.draw(st.one_of(st.just(""), PIECES)) + whole[until:]
    try:
        found = parse(vector.operation, fmt, text, params=vector.params)
    except AnswerError:
        return
    assert isinstance(found, Failure | dict | list)
