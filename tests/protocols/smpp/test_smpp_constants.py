"""Names and numbers."""

import pytest
from smpplib import consts as other

from protocols.smpp import constants as c


def test_statuses_agree_with_an_independent_list() -> None:
    theirs = {
        name.removeprefix("SMPP_"): value
        for name, value in vars(other).items()
        if name.startswith("SMPP_ESME_")
    }
    assert len(theirs) > 40
    assert {name: getattr(c, name) for name in theirs} == theirs


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0, "ESME_ROK"),
        (0x58, "ESME_RTHROTTLED"),
        (0xC0, "ESME_RINVOPTPARSTREAM"),
        (0xC1, "ESME_ROPTPARNOTALLWD"),
        (0x112, "ESME_RINVBCASTCHANIND"),
        (0x401, "0x00000401"),
        (0xFFFFFFFF, "0xFFFFFFFF"),
    ],
)
def test_status_name(status: int, name: str) -> None:
    assert c.status_name(status) == name


def test_version_5_names_are_the_same_statuses() -> None:
    assert c.ESME_RINVTLVSTREAM == c.ESME_RINVOPTPARSTREAM
    assert (c.ESME_RTLVNOTALLWD, c.ESME_RINVTLVLEN) == (c.ESME_ROPTPARNOTALLWD, c.ESME_RINVPARLEN)
    assert (c.ESME_RMISSINGTLV, c.ESME_RINVTLVVAL) == (c.ESME_RMISSINGOPTPARAM, c.ESME_RINVOPTPARAMVAL)


def test_command_name() -> None:
    assert c.command_name(c.SUBMIT_SM) == "submit_sm"
    assert c.command_name(c.CANCEL_BROADCAST_SM_RESP) == "cancel_broadcast_sm_resp"
    assert c.command_name(0xABC) == "0x00000ABC"


def test_command_names_spell_their_constants() -> None:
    assert {name: getattr(c, name.upper()) for name in c.COMMAND_NAMES.values()} == {
        name: value for value, name in c.COMMAND_NAMES.items()
    }


def test_state_names_spell_their_constants() -> None:
    assert {name: getattr(c, name) for name in c.STATE_NAMES.values()} == {
        name: value for value, name in c.STATE_NAMES.items()
    }
    assert (c.ENROUTE, c.DELIVERED, c.REJECTED, c.SCHEDULED, c.SKIPPED) == (1, 2, 8, 0, 9)
