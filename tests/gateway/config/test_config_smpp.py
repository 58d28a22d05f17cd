"""What the checks of SMPP let through is what the gateway can use; what they refuse is in the vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigError
from gateway.config.smpp_model import AddressRule
from gateway.translate.smpp_status import status_of
from gateway.translate.vendor_tlvs import VendorTlvs
from protocols.smpp import constants, tlv

MINIMAL = """\
listeners: {{smpp: [{{address: 127.0.0.1:2775}}]}}
accounts:
  - system_id: app
    password_hash: scrypt$15$8$1$dmVjdG9yLXNhbHQtMDAwMQ==$0VzBzFwXWYHFIY74QcIFfpC4huEdnm7tfl1Lb5gkmQQ=
    smpp: {{{smpp}}}
connectors:
  - {{name: up, address: 127.0.0.1:2776, system_id: gw, password: secret, {connector}}}
routes:
  - {{connectors: [up], {route}}}
vendor_tlvs: [{{name: charging_id, tag: '0x1400'}}]
"""


def written(
    tmp_path: Path, *, smpp: str = "", connector: str = "rate: 0", route: str = "whole: false"
) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL.format(smpp=smpp, connector=connector, route=route))
    path.chmod(0o640)
    return path


def test_every_status_of_an_error_may_mean_too_fast_and_is_understood(tmp_path: Path) -> None:
    names = sorted(set(constants.STATUS_NAMES.values()) - {"ESME_ROK"})
    listed = ", ".join([*names, "0X58", "'0x00000400'"])
    [connector] = load(written(tmp_path, connector=f"throttle_statuses: [{listed}]")).connectors
    numbers = [status_of(name) for name in connector.throttle_statuses]
    assert numbers == [*map(status_of, names), 0x58, 0x400]
    assert 0 not in numbers


def test_every_tlv_may_be_allowed_by_its_name_or_its_tag_and_is_found(tmp_path: Path) -> None:
    names = sorted(spec.name for spec in tlv.TABLE.values())
    listed = ", ".join([*names, "charging_id", "'0X1401'", "'0x5'"])
    config = load(written(tmp_path, smpp=f"allowed_tlvs: [{listed}]", route=f"vendor_tlvs: [{listed}]"))
    allowed, passing = config.accounts[0].smpp.allowed_tlvs, config.routes[0].vendor_tlvs
    assert allowed == passing
    assert VendorTlvs(config.vendor_tlvs).tags_of(allowed) == {*tlv.TABLE, 0x1400, 0x1401, 0x5}


@pytest.mark.parametrize(
    "connector",
    [
        "interface_version: 3.3, bind_mode: pair",
        "interface_version: 3.3, bind_mode: receiver, tlvs: false",
        "interface_version: 5.0, long_messages: payload",
        "tlvs: false, long_messages: udh",
        "tlvs: true, long_messages: sar",
        "outbind_listen: '127.0.0.1:2776'",
    ],
)
def test_what_can_be_together_is_taken(connector: str, tmp_path: Path) -> None:
    route_needs_another = "receiver" in connector
    path = written(tmp_path, connector=connector)
    if route_needs_another:
        second = "  - {name: also, address: 127.0.0.1:2776, system_id: gw, password: secret}\nroutes:"
        path.write_text(path.read_text().replace("routes:", second).replace("[up]", "[also]"))
    assert load(path).connectors[0].name == "up"


@pytest.mark.parametrize("smpp", ["receipt_style: tlv", "receipt_pdu: data_sm", "broadcast_connector: up"])
def test_what_an_account_may_want_alone_is_taken(smpp: str, tmp_path: Path) -> None:
    path = written(tmp_path, smpp=smpp, connector="interface_version: 5.0")
    [name, value] = smpp.split(": ")
    assert getattr(load(path).accounts[0].smpp, name) == value


def test_an_empty_list_of_tlvs_lets_none_pass_and_an_absent_one_all(tmp_path: Path) -> None:
    assert load(written(tmp_path, route="vendor_tlvs: []")).routes[0].vendor_tlvs == ()
    assert load(written(tmp_path)).routes[0].vendor_tlvs is None


def test_a_section_that_is_open_and_empty_has_the_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, smpp="source: {}", connector="source: {}", route="text: {}"))
    assert config.accounts[0].smpp.source == config.connectors[0].source == AddressRule()
    assert config.routes[0].text.shift_tables == ()


def test_a_mistake_in_one_section_hides_none_in_another(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        smpp="allowed_tlvs: [nothing_like_it]",
        connector="throttle_statuses: ESME_RTHROTTLED",
        route="vendor_tlvs: {}",
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [problem.key for problem in caught.value.problems] == [
        "accounts[0].smpp.allowed_tlvs[0]",
        "connectors[0].throttle_statuses",
        "routes[0].vendor_tlvs",
    ]
