"""The tables in tests/vectors/routing: which route a message takes, why not the others, what goes up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from gateway_fakes import NOW_MS, account
from route_tables import config_of, router_of

from gateway.core.errors import Refusal
from gateway.core.model import UNTIL_EXPIRY, Draft
from gateway.core.route_conditions import INGRESSES
from gateway.core.route_explanation import draft_of, explain
from gateway.core.router import Router
from gateway.core.sent_as import SentAs, parse
from protocols.sms.alphabet import decode
from protocols.sms.data_coding import parse as parse_coding

FILES = sorted((Path(__file__).parents[2] / "vectors" / "routing").glob("*.yaml"))


def vector(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Router, dict[str, Any]]:
    given = vector(request.param)
    sections = {name: given[name] for name in given if name not in ("about", "messages", "may_reach")}
    return router_of(config_of(tmp_path, sections)), given


def asked(row: dict[str, Any]) -> tuple[Draft, int, int]:
    draft = draft_of(
        row.get("from", ""),
        row["to"],
        row.get("text", ""),
        alphabet=row.get("alphabet", ""),
        message_class=row.get("class"),
        segments=row.get("segments", 0),
    )
    at = row.get("at")
    now_ms = round(datetime.fromisoformat(at).timestamp() * 1000) if at else NOW_MS
    return draft, INGRESSES[row.get("ingress", "smpp")], now_ms


def test_each_message_takes_its_route_and_the_explanation_says_why(
    table: tuple[Router, dict[str, Any]],
) -> None:
    router, given = table
    for row in given["messages"]:
        draft, origin, now_ms = asked(row)
        found = router.find(account(system_id=row.get("account", "nobody")), draft, origin, now_ms)
        assert (found and found.name) == row.get("route"), row
        told = explain(router, row.get("account", ""), draft, origin, now_ms)
        assert (told["route"], told["refused"]) == (row.get("route"), row.get("refused")), row
        without = {
            one["name"]: condition["option"]
            for one in told["routes"]
            for condition in one["conditions"]
            if not condition["holds"]
        }
        for name, option in row.get("without", {}).items():
            assert without[name] == option, row


def test_what_goes_up_is_as_the_table_has_it(table: tuple[Router, dict[str, Any]]) -> None:
    router, given = table
    for row in given["messages"]:
        if "sent" not in row and row.get("refused") not in ("source", "destination"):
            continue
        draft, origin, now_ms = asked(row)
        route = router.find(account(), draft, origin, now_ms)
        assert route is not None and route.changes
        written = router.written(draft, route, now_ms)
        if "refused" in row:
            assert written is Refusal(row["refused"]), row
            continue
        assert isinstance(written, Draft)
        assert written[:7] == draft[:7], "the addresses that it came with stay"
        assert {
            name: value for name, value in shown(draft, written, now_ms).items() if name in row["sent"]
        } == row["sent"], row


def shown(draft: Draft, written: Draft, now_ms: int) -> dict[str, Any]:
    sent = parse(written.sent_as) if written.sent_as else SentAs(*(getattr(draft, n) for n in SentAs._fields))
    if written.expires_ms:
        assert written.validity_period == UNTIL_EXPIRY
    return {
        "from": list(sent[:3]),
        "to": list(sent[3:]),
        "text": decode(written.user_data, parse_coding(written.data_coding).alphabet),
        "coding": written.data_coding,
        "segments": written.segments,
        "expires_h": (written.expires_ms - now_ms) / 3_600_000,
    }


def test_which_numbers_could_be_reached_at_all(table: tuple[Router, dict[str, Any]]) -> None:
    router, given = table
    for number, is_reached in given.get("may_reach", {}).items():
        assert router.may_reach(number) is is_reached, number
