"""PyPI's smsc, which asks in JSON by GET. Its URL is a constant of the class, so it is set from here.

Usage: smsc_library.py URL LOGIN PASSWORD, then lines as by_lines.py says.
"""

import sys
from typing import Any

import smsc.api
from by_lines import serve
from smsc.messages import SMSMessage

url, login, password = sys.argv[1:]
smsc.api.SMSC._url = f"{url}/sys/"
client = smsc.api.SMSC(login, password)


def error(response: Any) -> list[Any] | None:
    """Number and text of the error that the library has found in an answer."""
    return None if response.error is None else [response.error.code, response.error.error]


def send(to: str | list[str], text: str) -> dict[str, Any]:
    """Send a text, with its cost in the answer."""
    said = client.send(to, SMSMessage(text))
    return {"id": said.message_id, "count": said.count, "cost": said.cost, "error": error(said)}


def cost(to: str | list[str], text: str) -> dict[str, Any]:
    """What a text would cost."""
    said = client.get_cost(to, SMSMessage(text))
    return {"count": said.count, "cost": said.cost, "error": error(said)}


def balance() -> dict[str, Any]:
    """Balance, credit and currency."""
    said = client.get_balance()
    return {
        "balance": said.balance,
        "credit": said.credit,
        "currency": said.currency,
        "error": error(said),
    }


def status(to: list[str], ids: list[str]) -> list[dict[str, Any]]:
    """All that is known of messages; dates in ISO 8601, as the library has read them."""
    found = []
    for said in client.get_status(to, ids):
        data = {name: value for name, value in said.data.items() if not name.endswith("_date")}
        dates = {name: said.data[name].isoformat() for name in ("send_date", "last_date")}
        known = {"status": said.status.status_id, "name": said.status.name}
        found.append({**data, **dates, **known, "error": error(said)})
    return found


serve({"send": send, "cost": cost, "balance": balance, "status": status})
