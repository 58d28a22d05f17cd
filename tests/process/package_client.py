"""Connects again and again while something else happens: `package_client.py HOST:PORT [BOUND_PASSWORD]`.

Each connection asks an enquire_link and waits for any answer. Ends when standard input does, and prints what
came of it: `served N refused N cut N`. Cut: it was closed before it was answered, as by a gateway that stops.
"""

from __future__ import annotations

import select
import socket
import sys
from collections import Counter

ENQUIRE_LINK = bytes.fromhex("00000010000000150000000000000001")
PATIENCE_S = 120.0


def outcome(host: str, port: int) -> str:
    """Of one connection."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_S) as connection:
            connection.sendall(ENQUIRE_LINK)
            return "served" if connection.recv(16) else "cut"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return "cut"


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    counts = Counter({"served": 0, "refused": 0, "cut": 0})
    print("began", flush=True)
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        counts[outcome(host, int(port))] += 1
    # after it: the last word has to be an answer
    print(*(f"{word} {count}" for word, count in counts.items()), "then", outcome(host, int(port)))
