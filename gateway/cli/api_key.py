"""`smsc-gateway api-key`: a new API key, and the hash of it that the configuration holds."""

from __future__ import annotations

import argparse
import json

from gateway.cli import EXIT_OK, add_json
from gateway.core.api_keys import hash_key, new_key

HELP = "Print a new API key, and the line for api_keys of its account; the key itself is kept nowhere."


def configure(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.epilog = (
        "The account's program gets the key; the configuration gets the hash:\n"
        "  api_keys: [sha256$…]\n"
        "A key that was lost is replaced: make another one, and remove the old hash."
    )


def run(args: argparse.Namespace) -> int:
    key = new_key()
    if args.json:
        print(json.dumps({"key": key, "hash": hash_key(key)}))
    else:
        print(f"key   {key}\nhash  {hash_key(key)}")
    return EXIT_OK
