"""What is fuzzed: each target takes any octets, and raises only when something is wrong.

Wrong is an exception that is not the documented one, a broken promise such as "what was read and is written
again reads as itself", or a result over its bound. How long it takes is for the caller to watch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from targets_config import configuration
from targets_http import answers, callbacks, control, http_requests, json_bodies, requests, webhooks
from targets_mail import addresses, mails
from targets_smpp import decoder, sessions
from targets_sms import receipts, texts, udhs

Target = Callable[[bytes], None]

TARGETS: Final[dict[str, Target]] = {
    "decoder": decoder,
    "session": sessions,
    "receipt": receipts,
    "udh": udhs,
    "text": texts,
    "mime": mails,
    "address": addresses,
    "answers": answers,
    "callbacks": callbacks,
    "http": http_requests,
    "requests": requests,
    "json": json_bodies,
    "configuration": configuration,
    "webhooks": webhooks,
    "control": control,
}
