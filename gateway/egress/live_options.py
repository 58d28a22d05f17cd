"""Which options of a connector hold at once when a reload changes them; the others need new links.

An option is one of these where everything that reads it does so each time that it is needed, and nothing
that is under way depends on what it was. What is said in the bind, where the SMSC is, and what becomes of
long texts, of which some segments may be under way, is none.
"""

from __future__ import annotations

from gateway.config.connector_model import Connector
from gateway.config.smsc_model import SmscConnector

SMPP = frozenset(
    (
        "adaptive",
        "data_coding_0",
        "destination",
        "enquire_link_s",
        "incoming_account",
        "on_ambiguous",
        "operations",
        "prices",
        "profile",
        "rate",
        "rebind_pause_s",
        "receipts_by_text",
        "receive_window",
        "reconnect_max_s",
        "reference_bits",
        "sender_rate",
        "silence_s",
        "source",
        "throttle_statuses",
        "ucs2_order",
        "window",
    )
)
"""`profile` only says where others are written."""
SERVICE = frozenset(("balance_warning", "incoming_account", "list_max", "prices", "rate", "reconnect_max_s"))


def is_live(name: str, old: Connector | SmscConnector, new: Connector | SmscConnector) -> bool:
    """Whether this option can change from the old one's to the new one's without a new link."""
    if isinstance(old, SmscConnector) or isinstance(new, SmscConnector):
        return name in SERVICE
    return name in SMPP or (name == "binds" and new.binds > old.binds)
