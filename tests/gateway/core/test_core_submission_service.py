"""What only an SMSC service can send goes by one, or not at all."""

from __future__ import annotations

import pytest
from gateway_fakes import account, draft
from test_core_submission import Desk

from gateway.core.errors import Refusal
from gateway.core.model import Message, Origin
from gateway.core.routing import Route

OPTIONS = b"\x21\x00\x00\x07viber=1"
FOR_A_SERVICE = [{"tlvs": OPTIONS}, {"service_type": "HLR"}]


def desk_with_service(name: str = "two", *routes: Route) -> Desk:
    desk = Desk(*routes)
    desk.upstreams[name].service = True
    return desk


@pytest.mark.parametrize("fields", FOR_A_SERVICE)
def test_it_goes_by_the_routes_service_and_never_by_another_connector(fields: dict[str, object]) -> None:
    desk = desk_with_service()
    message = desk.taken(account(), **fields)
    assert (message.connector, message.alternatives) == ("two", "two")


@pytest.mark.parametrize("fields", FOR_A_SERVICE)
def test_a_route_without_a_service_is_no_route_for_it(fields: dict[str, object]) -> None:
    desk = desk_with_service("two", Route("", ("one",)))
    assert desk.accept(account(), **fields) is Refusal.NO_ROUTE
    assert desk.submission.refused[Refusal.NO_ROUTE] == 1
    result = desk.submission.accept_all(
        account(), [draft(), draft(**fields)], desk.clock.now(), desk.clock.now_ms(), Origin.MAIL
    )
    assert result is Refusal.NO_ROUTE


def test_messages_that_are_taken_together_each_go_their_way() -> None:
    desk = desk_with_service()
    result = desk.submission.accept_all(
        account(), [draft(), draft(tlvs=OPTIONS)], desk.clock.now(), desk.clock.now_ms(), Origin.MAIL
    )
    assert not isinstance(result, Refusal)
    assert [message.connector for message in result] == ["one", "two"]


@pytest.mark.parametrize("part", [None, (7, 3, 2)])
def test_a_long_text_for_a_service_can_still_go_in_segments_by_another(
    part: tuple[int, int, int] | None,
) -> None:
    desk = desk_with_service("one")
    desk.upstreams["one"].whole = True
    message = desk.taken(account(), segments=4, user_data=b"x" * 600, part=part)
    assert (message.connector, message.segments) == ("one", 4)
    (stored,) = desk.journal.batch.accepted
    assert Message(*stored[:-1]) == message, "and no wish to go up in one PDU"


def test_a_message_to_no_number_goes_by_the_route_without_a_prefix() -> None:
    desk = desk_with_service("two", Route("7", ("one", "two")), Route("", ("two",)))
    assert desk.taken(account(), destination="", tlvs=OPTIONS).connector == "two"


@pytest.mark.parametrize("fields", [{"tlvs": b"\x02\x04\0\2\0\1"}, {"service_type": "CMT"}, {}])
def test_any_other_message_may_go_by_all(fields: dict[str, object]) -> None:
    message = desk_with_service().taken(account(), **fields)
    assert (message.connector, message.alternatives) == ("one", "one two")


@pytest.mark.parametrize("fields", FOR_A_SERVICE)
def test_without_a_service_they_mean_nothing_to_the_gateway(fields: dict[str, object]) -> None:
    desk = Desk()
    assert not desk.submission.router.has_service
    message = desk.taken(account(), **fields)
    assert isinstance(message, Message)
    assert message.alternatives == "one two"
