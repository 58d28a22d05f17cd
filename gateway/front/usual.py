"""The usual request: one text to one number, and nothing else said of it.

What is made of it is what `gateway.front.planning` would make, with a tenth of its questions; whatever is not
so simple is None, and goes that way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.core.accounts import Account
from gateway.core.model import Draft
from gateway.translate.api_submit import coded_text, source_of
from protocols.sms.addresses import NPI_ISDN, TON_INTERNATIONAL, is_e164
from protocols.smsc_http.sending import MAX_TEXT, is_client_id

_NAMES: Final = frozenset({"phones", "mes", "sender", "id", "fmt", "charset"})
_DIGITS: Final = 11
"""Of a number that begins with 7, the only one that is sure to need no correction."""


def usual_draft(params: Mapping[str, str], account: Account, address: str) -> Draft | None:
    """The message that such a request asks for; None: it is another request, good or bad."""
    if not params.keys() <= _NAMES:
        return None
    phone, text, id = params.get("phones", ""), params.get("mes", ""), params.get("id", "")
    if len(phone) != _DIGITS or phone[0] != "7" or not is_e164(phone):
        return None
    if len(text) > MAX_TEXT or "~~~" in text or "__" in text or not text.strip():
        return None  # a comment, a prefix
    if id and (id[0] == "0" or not is_client_id(id)):
        return None
    sender = params.get("sender", "")
    source = source_of(sender) if sender != "." else None
    if source is None or account.config.default_region not in ("", "RU"):
        return None
    ton, npi, name = source
    esm_class, protocol_id, data_coding, user_data, count = coded_text(text)
    return Draft(
        "",
        ton,
        npi,
        name,
        TON_INTERNATIONAL,
        NPI_ISDN,
        phone,
        esm_class,
        protocol_id,
        0,
        1,
        data_coding,
        user_data,
        b"",
        count,
        0,
        0,
        "",
        0,
        None,
        id,
        address,
    )
