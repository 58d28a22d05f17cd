"""PyPI's smsc-client, which posts forms and reads the human text of fmt 0. Its host is set from here.

Usage: smsc_client_library.py URL LOGIN PASSWORD, then lines as by_lines.py says.
"""

import sys
from uuid import UUID

import smsc_client
from by_lines import serve

url, login, password = sys.argv[1:]
client = smsc_client.SMSCAPI(login, password)
client._domain = f"{url}/"


def send(to: str, text: str, id: str, sender: str) -> dict[str, str]:
    """Send a text under an id of our own; what stands behind OK and ID in the answer."""
    said = client.default.send(to, text, UUID(id), sender)
    return {"ok": said.OK, "id": said.ID}


serve({"send": send})
