"""A simulated service without sockets: requests as URLs, and a clock that is turned by hand."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_from_bytes

from gateway.simulator.smsc_http.service import HttpCall, Reply, SmscService
from gateway.simulator.smsc_http.settings import HttpSettings

START = 1_735_689_600.0
"""01.01.2025 03:00:00 in Moscow."""
PHONE = "79161234567"
OTHER = "79261234567"


class Bench:
    """A service, now, and ways to ask it as alex with the password 123."""

    def __init__(self, **settings: Any) -> None:
        values: dict[str, Any] = {"login": "alex", "password": "123", "api_key": "key", **settings}
        self.service = SmscService(HttpSettings(**values))
        self.now = START

    def pass_(self, seconds: float) -> None:
        """So many seconds go by."""
        self.now += seconds
        self.service.run(self.now)

    def get(self, url: str, ip: str = "127.0.0.1") -> Reply:
        """A GET as it stands in a URL, path and query."""
        path, _, query = url.partition("?")
        return self.service.handle(HttpCall("GET", path, query), ip, self.now)

    def post(self, path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Reply:
        return self.service.handle(HttpCall("POST", path, "", content_type, body), "127.0.0.1", self.now)

    def text(self, script: str, **params: str | bytes) -> str:
        """The answer to alex, in UTF-8 unless a charset is given."""
        values: dict[str, str | bytes] = {"login": "alex", "psw": "123", "charset": "utf-8", **params}
        query = "&".join(f"{name}={_quoted(value)}" for name, value in values.items())
        reply = self.get(f"/sys/{script}.php?{query}")
        assert reply.status == 200
        return reply.body.decode(str(values["charset"]))

    def json(self, script: str, **params: str | bytes) -> Any:
        """The answer of fmt 3."""
        return json.loads(self.text(script, fmt="3", **params))

    def send(self, **params: str | bytes) -> Any:
        """Send to PHONE unless it is said otherwise."""
        return self.json("send", **{"phones": PHONE, "mes": "Hello!", **params})

    def status(self, id: int | str, phone: str = PHONE, **params: str) -> Any:
        return self.json("status", id=str(id), phone=phone, **params)


def _quoted(value: str | bytes) -> str:
    return quote_from_bytes(value, safe="") if isinstance(value, bytes) else quote(value, safe="")
