"""What docs/accounts.md says of refusals is what senders get."""

from __future__ import annotations

from docs_support import rows, section

from gateway.core.errors import Refusal
from gateway.translate.mail_submit import REFUSALS
from gateway.translate.smpp_status import REFUSAL_STATUS
from protocols.smpp.constants import status_name

# Of the form of a message, of the way that it goes, and of the gateway's state.
ELSEWHERE = {
    Refusal.STORE,
    Refusal.STOPPING,
    Refusal.DESTINATION,
    Refusal.NO_ROUTE,
    Refusal.ROUTE,
    Refusal.MALFORMED_TEXT,
    Refusal.RECEIPT_CLASS,
    Refusal.SCHEDULE,
    Refusal.VALIDITY,
    Refusal.SERVICE_TYPE,
    Refusal.SERVICE_OPTIONS,
    Refusal.OPTION_VALUE,
    Refusal.TLV,
    Refusal.SPECIAL,
}


def test_senders_see_what_is_documented() -> None:
    documented = {
        word.strip("`"): (status, reply)
        for word, status, reply, _ in rows(section("docs/accounts.md", "## What senders see"))
    }
    assert documented == {
        refusal.value: (status_name(REFUSAL_STATUS[refusal]), REFUSALS[refusal][0])
        for refusal in Refusal
        if refusal not in ELSEWHERE
    }
