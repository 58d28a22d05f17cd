"""What is hardly meant about HTTP for our own clients; see `gateway.config.lints`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.model import Config

Lint = tuple[str, str, str]
"""Key, what is odd, and what to write."""
SECRET_MIN = 16


def http_lints(config: Config) -> Iterator[Lint]:
    """The warnings about listeners.http, http and accounts[].http."""
    yield from _accounts(config)
    yield from _listeners(config)
    serves_links = any("links" in listener.serves for listener in config.listeners.http)
    if config.http.links is not None and not serves_links:
        text = "no listener of this gateway opens the short links"
        yield "http.links", text, "add listeners.http with serves: [links], or remove it"


def _accounts(config: Config) -> Iterator[Lint]:
    """Accounts that nobody can ask for, and calls that anybody could read or make."""
    asks = any(set(listener.serves) & {"service", "json"} for listener in config.listeners.http)
    for number, account in enumerate(config.accounts):
        http, key = account.http, f"accounts[{number}].http"
        if http is None:
            continue
        if not asks and not http.handler and not http.webhook:
            yield key, "no listener takes its requests", "add listeners.http, or remove it"
        if http.webhook_secret is not None and not http.webhook:
            yield f"{key}.webhook_secret", "nothing is signed with it", "add webhook, or remove it"
        elif http.webhook_secret is not None and len(http.webhook_secret.reveal()) < SECRET_MIN:
            text = f"has less than {SECRET_MIN} characters, so it can be guessed from what it has signed"
            yield f"{key}.webhook_secret", text, "write 32 random letters or more"
        if http.webhook.startswith("http://") and not config.http.call_networks:
            text = "texts and numbers go there in the clear"
            yield f"{key}.webhook", text, "write https://"


def _listeners(config: Config) -> Iterator[Lint]:
    """Sockets that nobody uses, or that strangers can reach."""
    has_account = any(account.http is not None for account in config.accounts)
    for number, listener in enumerate(config.listeners.http):
        key = f"listeners.http[{number}]"
        is_asked = bool(set(listener.serves) & {"service", "json"})
        if is_asked and not has_account:
            yield key, "no account may ask over HTTP", "add http: {} to an account, or remove it"
        if is_asked and listener.tls is None and listener.address.is_public:
            text = "passwords and texts come here in the clear, from any network"
            yield f"{key}.address", text, "add tls, or listen on loopback behind a proxy that has it"
        for place, network in enumerate(listener.proxies):
            if network.prefixlen == 0:
                text = "believes anybody who says that he asks for somebody else"
                yield f"{key}.proxies[{place}]", text, "name the addresses of your proxies"
