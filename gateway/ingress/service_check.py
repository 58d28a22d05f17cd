"""Who may ask for what only an SMSC service can send, and whether the service could be asked for it."""

from __future__ import annotations

from gateway.core.accounts import Account
from gateway.core.errors import Refusal
from gateway.core.model import Draft
from gateway.core.service import has_options, needs_service


def checked(account: Account, draft: Draft, now_ms: int) -> Draft | Refusal:
    """The draft, or why the account may not send it; any message that needs no service passes."""
    if not needs_service(draft.service_type, draft.tlvs):
        return draft
    if not account.config.service_messages:
        return Refusal.SERVICE_OPTIONS if has_options(draft.tlvs) else Refusal.SERVICE_TYPE
    # Only here, for a gateway without a service has no use for it in its memory.
    from gateway.translate.smsc_options import OptionError, Unsendable, options_of
    from gateway.translate.smsc_send import line_of

    try:
        line_of(draft, now_ms, may_command=True)
        sender = options_of(draft.service_type, draft.tlvs).sender
    except OptionError:
        return Refusal.OPTION_VALUE
    except Unsendable:
        return Refusal.MALFORMED_TEXT
    if sender and account.sources and sender not in account.sources:
        return Refusal.SOURCE
    if sender and account.config.forced_source not in ("", sender):
        return Refusal.SOURCE
    return draft
