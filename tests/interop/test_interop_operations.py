"""What npm smpp and Net::SMPP ask about messages that the gateway has, and messages of other kinds from them.

The SMSC is npm smpp's server, which tells what it gets.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from interop_client import bound_client
from interop_gateway import wait_until
from interop_peers import Smsc
from interop_session import LIBRARIES, SOURCE_ADDR, Session, bound_session
from interop_upstream import UpstreamSmsc, gateway_of, node_smsc, running_upstream

pytestmark = pytest.mark.interop

ESME_RINVDSTADR, ESME_RINVMSGID = 0x0B, 0x0C
ESME_RCANCELFAIL, ESME_RREPLACEFAIL, ESME_RQUERYFAIL = 0x11, 0x13, 0x67
ENROUTE, DELIVERED, DELETED, ACCEPTED = 1, 2, 4, 6
IN_A_SECOND, IN_A_WEEK = "000000000001000R", "000007000000000R"  # SMPP v3.4 §7.1.1
OPERATIONS = ["query_sm", "cancel_sm", "replace_sm"]
FROM = {"source_addr": SOURCE_ADDR}
DENIED = "4670900"
KEPT = "46701001400"  # by the SMSC, without a receipt


@dataclass(frozen=True)
class Between:
    """The gateway, and the SMSC that it is bound to."""

    upstream: UpstreamSmsc
    gateway: Smsc


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Between]:
    top = {"denied_destinations": [DENIED]}
    with (
        running_upstream(node_smsc()) as upstream,
        gateway_of(upstream, tmp_path_factory.mktemp("between"), top, operations=OPERATIONS) as gateway,
    ):
        yield Between(upstream, gateway)


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES)
def session(request: pytest.FixtureRequest, between: Between) -> Iterator[Session]:
    command: Callable[[], list[str]] = request.param
    with bound_session(command(), between.gateway) as (session, _):
        yield session


def test_query_sm_tells_the_state_of_a_message(between: Between, session: Session) -> None:
    delivered = session.submit("46701001005", "hello")
    session.wait_for_receipt(delivered)
    scheduled = session.submit("46701001006", "later", schedule_delivery_time=IN_A_WEEK)
    answer = session.ask("query_sm", message_id=delivered, **FROM)
    assert (answer["status"], answer["message_id"], answer["message_state"]) == (0, delivered, DELIVERED)
    answer = session.ask("query_sm", message_id=scheduled, **FROM)
    assert (answer["status"], answer["message_state"], answer["final_date"]) == (0, ENROUTE, "")
    assert session.ask("query_sm", message_id="1", **FROM)["status"] == ESME_RINVMSGID
    answer = session.ask("query_sm", message_id=delivered, source_addr="54321")
    assert answer["status"] == ESME_RQUERYFAIL
    with bound_client(between.gateway) as client:
        assert client.query(delivered, SOURCE_ADDR) == DELIVERED


def test_cancel_sm_ends_a_scheduled_message_with_a_receipt(between: Between, session: Session) -> None:
    destination = "46701001007"
    sent = len(between.upstream.events("submit_sm"))
    scheduled = session.submit(destination, "never", schedule_delivery_time=IN_A_WEEK)
    number = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": destination}
    assert session.ask("cancel_sm", message_id=scheduled, **FROM, **number)["status"] == 0
    assert " stat:DELETED " in session.wait_for_receipt(scheduled)["short_message"]
    assert session.ask("query_sm", message_id=scheduled, **FROM)["message_state"] == DELETED
    answer = session.ask("cancel_sm", message_id=scheduled, **FROM, **number)
    assert answer["status"] == ESME_RCANCELFAIL
    assert len(between.upstream.events("submit_sm")) == sent


def test_replace_sm_changes_text_and_time_of_a_scheduled_message(between: Between, session: Session) -> None:
    destination = "46701001008"
    known = len(texts(between, destination))
    scheduled = session.submit(destination, "before", schedule_delivery_time=IN_A_WEEK)
    answer = session.ask(
        "replace_sm",
        message_id=scheduled,
        schedule_delivery_time=IN_A_SECOND,
        registered_delivery=1,
        short_message="after",
        **FROM,
    )
    assert answer["status"] == 0
    assert " stat:DELIVRD " in session.wait_for_receipt(scheduled)["short_message"]
    assert texts(between, destination)[known:] == ["after"]
    answer = session.ask("replace_sm", message_id=scheduled, short_message="too late", **FROM)
    assert answer["status"] == ESME_RREPLACEFAIL


def test_submit_multi_has_one_id_and_names_the_destinations_that_are_refused(
    between: Between, session: Session
) -> None:
    taken, refused = ["46701001105", "46701001106"], [f"{DENIED}0001"]
    known = {number: len(texts(between, number)) for number in taken}
    addresses = [
        {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": number} for number in taken + refused
    ]
    answer = session.ask(
        "submit_multi", dest_address=addresses, registered_delivery=1, short_message="to many", **FROM
    )
    assert answer["status"] == 0
    assert [entry["destination_addr"] for entry in answer["unsuccess_sme"]] == refused
    assert [entry["error_status_code"] for entry in answer["unsuccess_sme"]] == [ESME_RINVDSTADR]
    receipts = session.wait_for("deliver_sm", len(taken))
    assert {receipt["source_addr"] for receipt in receipts} == set(taken)
    for receipt in receipts:
        assert receipt["short_message"].startswith(f"id:{answer['message_id']} ")
        assert " stat:DELIVRD " in receipt["short_message"]
    assert [texts(between, number)[known[number] :] for number in taken] == [["to many"]] * 2


def test_data_sm_is_a_message(between: Between, session: Session) -> None:
    destination = "46701001205"
    known = len(texts(between, destination))
    answer = session.ask(
        "data_sm",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        registered_delivery=1,
        message_payload="as data",
        **FROM,
    )
    assert answer["status"] == 0
    receipt = session.wait_for_receipt(answer["message_id"])
    assert " stat:DELIVRD " in receipt["short_message"]
    assert texts(between, destination)[known:] == ["as data"]


def test_npm_smpp_as_the_smsc_is_asked_about_what_it_has(between: Between, session: Session) -> None:
    """Its answers go down to the client, and what is cancelled there ends with a receipt."""
    kept = session.submit(KEPT, "kept")
    upstream_id = wait_for_text(between, KEPT, "kept")["id"]
    answer = session.ask("query_sm", message_id=kept, **FROM)
    assert (answer["status"], answer["message_state"]) == (0, ACCEPTED)
    replacement = {"registered_delivery": 1, "short_message": "changed there"}
    assert session.ask("replace_sm", message_id=kept, **replacement, **FROM)["status"] == 0
    number = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": KEPT}
    assert session.ask("cancel_sm", message_id=kept, **FROM, **number)["status"] == 0
    assert " stat:DELETED " in session.wait_for_receipt(kept)["short_message"]
    asked = {name: between.upstream.events(name)[-1] for name in ("query_sm", "replace_sm", "cancel_sm")}
    assert {event["id"] for event in asked.values()} == {upstream_id}
    assert asked["replace_sm"]["text"] == "changed there"
    assert asked["cancel_sm"]["to"] == KEPT


def wait_for_text(between: Between, destination: str, text: str) -> dict[str, Any]:
    """The last event of a text to a number, once it is there."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [event for event in between.upstream.events("submit_sm") if event["to"] == destination]
        return bool(found)

    wait_until(there, f"{text} to {destination}")
    assert found[-1]["text"] == text
    return found[-1]


def texts(between: Between, destination: str) -> list[str]:
    """What has come to the SMSC for a number."""
    return [event["text"] for event in between.upstream.events("submit_sm") if event["to"] == destination]
