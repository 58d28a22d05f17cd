"""send.php: whatever comes, it is answered, and what is kept fits the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from front_desk import asked
from front_sending import SendDesk, sender
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.smpp_model import AccountSmpp
from gateway.core.prices import amount_text
from gateway.front.desk import ApiProblem
from gateway.front.planning import lines_of, planned
from gateway.front.sending import Sending
from gateway.front.usual import usual_draft
from protocols.sms.alphabet import decode, for_data_coding
from protocols.smsc_http.sending import ListLine, SendingError, format_list

PARAMETERS = (
    *("phones", "mes", "list", "nl", "id", "sender", "translit", "tinyurl", "time", "tz", "period", "freq"),
    *(
        "flash",
        "bin",
        "push",
        "hlr",
        "ping",
        "mms",
        "mail",
        "soc",
        "viber",
        "whatsapp",
        "bot",
        "call",
        "smsreq",
    ),
    *("fileurl", "voice", "param", "subj", "valid", "maxsms", "cost", "op", "err", "pp", "userip"),
)
VALUES = st.one_of(
    st.sampled_from(
        (
            "",
            "0",
            "1",
            "2",
            "12",
            "79990000001",
            "+79990000001,79990000002",
            "a@example.org",
            "@my_bot",
            "Example",
        )
    ),
    st.sampled_from(
        (
            "79990000001:hello",
            "__HLR__",
            "__MAIL__: x",
            "hello\n~~~\nnote",
            "0041",
            "FF",
            "see https://example.org/",
        )
    ),
    st.text(max_size=60),
    st.text(alphabet="0123456789+,;:|@#-. \n~_", max_size=40),
)
NUMBERS = st.integers(79_000_000_000, 79_999_999_999).map(str)
TEXTS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=80
).filter(lambda text: text.strip() and "\\n" not in text and "~~~" not in text and "__" not in text)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendDesk]:
    made = SendDesk(tmp_path_factory.mktemp("any"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendDesk]:
    payer = sender(
        "payer", balance="own", prices="retail", service_messages=True, smpp=AccountSmpp(allow=("wap_push",))
    )
    made = SendDesk(tmp_path_factory.mktemp("paying"), payer)
    yield made
    made.close()


def make_room(desk: SendDesk, account: str) -> None:
    """As if all that was taken before had ended."""
    desk.desk.accounts[account].open_messages = desk.desk.submission.open_messages = 0


@settings(max_examples=200, deadline=None)
@given(
    params=st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=7),
    account=st.sampled_from(("app", "full", "rich", "named", "here")),
)
def test_any_request_is_answered(desk: SendDesk, params: dict[str, str], account: str) -> None:
    before = len(desk.journal.batches)
    make_room(desk, account)
    try:
        answer = asyncio.run(desk.call(params, account))
    except ApiProblem as problem:
        assert problem.number in (1, 3, 5, 6, 7, 8, 9)
        assert (problem.id is not None) == (problem.number in (3, 6, 7, 8))
        kept = desk.journal.batches[before:]
        assert not any(batch.accepted or batch.short_links for batch in kept)
        assert bool(kept) == (problem.id is not None)
    else:
        kept = desk.journal.batches[before:]
        if params.get("cost") == "1":
            assert not kept and set(answer) == {"cost", "cnt"}
        else:
            (batch,) = kept
            assert batch.accepted
            noted = [row[0] for row in batch.api_messages]
            assert sorted(noted) == sorted(row[0] for row in (*batch.accepted, *batch.registered))
    assert not len(desk.journal.batch)


@settings(max_examples=300, deadline=None)
@given(
    params=st.fixed_dictionaries(
        {
            "phones": st.one_of(NUMBERS, st.sampled_from(("12", "89990000001", f"+{7 * 10**10}", "a", ""))),
            "mes": st.one_of(TEXTS, st.sampled_from(("", " ", "__HLR__", "a\n~~~\nb", "x" * 1001, "Привет"))),
        },
        optional={
            "sender": st.sampled_from(("", ".", "Example", "79991112233", "far too long a name", "Привет")),
            "id": st.one_of(st.sampled_from(("", "0", "007", "7", "a.b", "a b")), st.text(max_size=8)),
            "fmt": st.sampled_from(("0", "3")),
            "charset": st.just("utf-8"),
        },
    ),
    account=st.sampled_from(("app", "full", "named", "here")),
)
def test_the_usual_request_is_made_what_any_request_is(
    desk: SendDesk, params: dict[str, str], account: str
) -> None:
    request = asked(desk.desk, account, "send", params)
    draft = usual_draft(params, request.account, request.address)
    if draft is None:
        return
    plan = Sending(desk.desk)._plan(request, None)
    (one,) = planned(plan, lines_of(params))
    assert one.why is None and one.draft == draft
    assert (one.content.kind.type, one.content.comment, one.phone) == (0, "", draft.destination)
    assert plan.wanted.client_id == draft.client_id


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(
        st.builds(
            lambda phones, text, sender: ListLine((*phones,), text, sender),
            st.lists(NUMBERS, min_size=1, max_size=3, unique=True),
            TEXTS,
            st.sampled_from(("", "Example", "79991112233")),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_list_is_sent_as_it_was_written(desk: SendDesk, lines: list[ListLine]) -> None:
    try:
        written = format_list(lines)
    except SendingError:
        return
    before = len(desk.messages())
    make_room(desk, "app")
    answer = asyncio.run(desk.call({"list": written}))
    messages = desk.messages()[before:]
    assert [
        (m.destination, decode(m.user_data, for_data_coding(m.data_coding)), m.source) for m in messages
    ] == [(phone, line.text, line.sender) for line in lines for phone in line.phones]
    assert answer["cnt"] == sum(message.segments for message in messages)
    desk.journal.batches.clear()


TRIED = {
    "phones": st.sampled_from(
        ("79990000001", "+4915112345678,12,79990000002", "12", "a@example.org", "79990000001;79990000001")
    ),
    "mes": st.sampled_from(
        (
            "hello",
            "Привет " * 30,
            "x" * 999 + "€",
            "__CALL__: " + "talk " * 20,
            "see https://example.org/a/b ",
        )
    ),
}
MORE = {
    **dict.fromkeys(("flash", "hlr", "call", "viber", "soc", "tinyurl", "push"), st.just("1")),
    "bin": st.just("2"),
    "bot": st.just("@my_bot"),
    "mms": st.just("1"),
    "translit": st.sampled_from(("1", "2")),
    "maxsms": st.sampled_from(("1", "3")),
    "sender": st.sampled_from(("Example", "too long for a sender", "app@example.org")),
    "list": st.sampled_from(("79990000001:one\n79990000001:" + "two" * 100, "12:x\n4915112345678:Привет")),
}


@settings(max_examples=80, deadline=None)
@given(st.fixed_dictionaries(TRIED, optional=MORE))
def test_what_a_request_would_cost_is_what_it_costs(paying: SendDesk, params: dict[str, str]) -> None:
    make_room(paying, "payer")
    purse = paying.desk.ledger().purse("payer")
    purse.balance = 10**9
    try:
        quoted = asyncio.run(paying.call({**params, "cost": "1"}, "payer"))
    except ApiProblem as problem:
        quoted = {"error": problem.number}
    assert purse.balance == 10**9
    try:
        sent = asyncio.run(paying.call({**params, "cost": "2"}, "payer"))
    except ApiProblem as problem:
        if problem.id is None and "error" in quoted:
            assert quoted == {"error": problem.number}
        else:  # there is nobody to whom it can be sent
            assert quoted == {"cost": "0.00", "cnt": 0}
        assert purse.balance == 10**9
    else:
        assert {name: sent[name] for name in ("cost", "cnt")} == quoted
        assert amount_text(10**9 - purse.balance) == sent["cost"]
