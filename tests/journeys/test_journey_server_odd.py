"""Odd requests of every kind: each is answered, none costs the session or the gateway anything."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import pytest
from journey_support import DESTINATION, account, journey
from server_support import client_of, patiently, scripted

from gateway.config.smpp_model import AccountSmpp, NumberList
from protocols.smpp import constants as c
from protocols.smpp import tlv
from protocols.smpp.codec import encode
from protocols.smpp.errors import EncodeError
from protocols.smpp.pdu import (
    BroadcastSm,
    CancelBroadcastSm,
    CancelSm,
    DataSm,
    DistributionList,
    Pdu,
    QueryBroadcastSm,
    QuerySm,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    SubmitSm,
)

KINDS = (
    SubmitSm,
    DataSm,
    SubmitMulti,
    QuerySm,
    CancelSm,
    ReplaceSm,
    BroadcastSm,
    QueryBroadcastSm,
    CancelBroadcastSm,
)
TEXTS = (b"", b"hi", b"\x00\xff\x1b", b"\x05\x00\x03\x01\x02\x01part", b"\xd8\x3d", b"z" * 254)
STRINGS = ("", "0", "12345", "+" + DESTINATION, "Example", "\xff\x01", "9" * 20, "x" * 5)
TIMES = ("", "000000000100000R", "991231235959948+", "yesterday", "000000000000000R", "\xff" * 16)
TAGS = (*tlv.TABLE, 0x1400, 0xFFFF)


def odd(random: Random, kind: type[Pdu], known_id: str) -> Pdu:
    """A request whose fields fit the wire and need not make any sense."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in ("sequence_number", "command_status"):
            continue
        if field.name == "tlvs":
            tags = random.sample(TAGS, random.choice((0, 0, 1, 3)))
            values["tlvs"] = tuple((tag, random.randbytes(random.choice((0, 1, 2, 8, 300)))) for tag in tags)
        elif field.name == "dest_addresses":
            values[field.name] = tuple(
                random.choice((SmeAddress(1, 1, DESTINATION), SmeAddress(9, 9, "?"), DistributionList("two")))
                for _ in range(random.choice((0, 1, 3, 254)))
            )
        elif field.name == "message_id":
            values[field.name] = random.choice(("", known_id, "x", "-", "f" * 16, "1" * 64, "\xff"))
        elif field.name in ("schedule_delivery_time", "validity_period"):
            values[field.name] = random.choice(TIMES)
        elif isinstance(field.default, bytes):
            values[field.name] = random.choice(TEXTS)
        elif isinstance(field.default, str):
            values[field.name] = random.choice(STRINGS)
        else:
            values[field.name] = random.choice((0, 0, 0, 1, 4, 8, 64, 255))
    return kind(**values)


@pytest.mark.parametrize("version", [0x33, 0x34, 0x50])
def test_odd_requests_of_every_kind_are_answered_and_keep_the_session(tmp_path: Path, version: int) -> None:
    @journey
    async def run() -> None:
        random = Random(version)
        smpp = AccountSmpp(
            broadcast_connector="smsc", lists=[NumberList(name="two", numbers=[DESTINATION, "79161200002"])]
        )
        link = {"operations": ["query_sm", "cancel_sm", "replace_sm"], "interface_version": "5.0"}
        async with scripted(tmp_path, link=link, accounts=[account(smpp=smpp)]) as (gateway, _):
            client = await client_of(gateway, version)
            known_id = await client.submit(schedule_delivery_time="000001000000000R")
            answers = []
            for kind in KINDS * 30:
                pdu = odd(random, kind, known_id)
                try:
                    encode(pdu)
                except EncodeError:
                    continue
                answers.append((pdu, client.send(pdu)))
            for pdu, future in answers:
                response = await patiently(future)
                assert response.command_id in (c.GENERIC_NACK, pdu.command_id | c.RESPONSE_BIT)
            assert len(answers) > 200
            statuses = {future.result().command_status for _, future in answers}
            assert c.ESME_ROK in statuses
            assert len(statuses) > 5
            assert not client.closed.done()
            assert await client.submit()

    run()
