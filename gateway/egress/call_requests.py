"""The request of a call, to the handler or webhook that its account has now."""

from __future__ import annotations

from typing import NamedTuple

from gateway.config.model import AccountHttp, SubAccount
from gateway.core.accounts import Account
from gateway.core.api import Call, CallTarget
from gateway.core.call_urls import CallUrlError, parse_call_url
from gateway.core.hours import zone_of
from gateway.egress.call_client import CallFailed
from gateway.translate.calls import handler_request, webhook_body
from protocols.webhooks import HEADER, sign


class NoTarget(Exception):
    """There is nobody to call; the text says why."""


class CallRequest(NamedTuple):
    """A POST."""

    url: str
    body: bytes
    headers: dict[str, str]
    by_operator: bool = True
    """False: a client has named the URL, so `http.call_networks` is not for it."""


def request_of(call: Call, account: Account | None, now_s: int) -> CallRequest:
    """NoTarget, CallFailed, or CallbackError for a handler's URL with parameters out of bounds."""
    if account is None:
        raise NoTarget("there is no such account any more")
    http = account.config.http
    url = _url_of(http, call.target)
    if http is None or not url:
        raise NoTarget(f"the account has no {CallTarget(call.target).name.lower()} any more")
    if call.target != CallTarget.WEBHOOK:
        zone, form = zone_of(account.config.time_zone), account.config.message_id_format
        request = handler_request(call, url, zone, form)
        headers = {"Content-Type": request.content_type}
        by_operator = not isinstance(account.config, SubAccount)
        return CallRequest(request.url, request.body, headers, by_operator)
    if http.webhook_secret is None:
        raise CallFailed("webhook_secret is missing, so it cannot be signed")
    body = webhook_body(call)
    signature = sign(body, http.webhook_secret.reveal(), now_s)
    return CallRequest(url, body, {"Content-Type": "application/json", HEADER: signature})


def shown_url(account: Account | None, target: int) -> str:
    """Scheme and host of a handler's or webhook's URL; what follows may be secret."""
    try:
        return parse_call_url(_url_of(account.config.http if account is not None else None, target)).shown
    except CallUrlError:
        return "-"


def webhook_days(account: Account | None) -> float:
    """How long a webhook is tried."""
    http = account.config.http if account is not None else None
    return (http or AccountHttp()).webhook_days


def _url_of(http: AccountHttp | None, target: int) -> str:
    if http is None:
        return ""
    return http.webhook if target == CallTarget.WEBHOOK else http.handler
