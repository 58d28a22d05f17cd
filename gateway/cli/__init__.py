"""The command line: one module per command, and what the commands share.

A module of a command has `HELP` (one sentence), `configure(parser)` and `run(args) -> int`, which returns
an exit code. `COMMANDS` names them all without importing them, so `--help` is quick. Errors go to standard
error: a command raises CommandError, or ConfigError, and the frame prints it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h; the systemd unit does not restart after it."""

DEFAULT_CONFIG = Path("/etc/smsc-gateway/config.yaml")
DEFAULT_STATE_DIR = Path("/var/lib/smsc-gateway")

# command -> its line in the list; the module is the name with underscores
COMMANDS = {
    "run": "run the gateway",
    "simulate": "run a simulated SMSC to test against",
    "reload": "make the running gateway take over its configuration",
    "check-config": "check the configuration and print every mistake",
    "describe-config": "print an example configuration that explains every option",
    "import-config": "convert the configuration of Kannel or Jasmin",
    "hash-password": "make the password_hash of an account",
    "api-key": "make an API key for an account",
    "send": "send a message over SMPP and show its receipt",
    "probe": "find out what an SMSC can do, and print its profile",
    "encode": "show the segments that a text becomes, and why",
    "number": "show what is known of a number: country, operator, validity",
    "preview": "show the SMS that a mail would become",
    "doctor": "look for what is wrong, and say what to do next",
    "status": "show what the running gateway is doing",
    "message": "find messages, show one's timeline, cancel, hold, release or retry some",
    "queue": "show what is waiting",
    "connector": "pause, resume or rebind a connector, or show how each is",
    "nodes": "show the nodes that share a store, drain or resume one",
    "account": "show accounts and their money, put money in",
    "blacklist": "keep numbers from getting SMS",
    "sender": "say which added sender names may be used",
    "ping-task": "say whom ping.php tells of an event",
    "recover": "make a store of what can be read of a damaged one",
    "backup": "copy the store, while the gateway runs",
    "restore": "put a copy of the store into its place",
    "migrate-store": "move the store from SQLite to PostgreSQL",
    "receipts": "show the receipts that match no message",
    "deadletters": "list or replay what nobody took",
    "audit": "show who did what by the pages or the command line",
    "trace": "show the SMPP PDUs of an account, a number or a connector",
    "export": "write messages as CSV or JSON",
    "statistics": "show how many messages ended how, by day",
    "erase": "forget a number, for who asks for that",
    "route": "show which route a message would take and why, or list the routes",
    "smsc": "use and look after the account of an smsc_connector",
}


class CommandError(Exception):
    """Something the user should read, in place of a traceback; `code` is the exit code."""

    def __init__(self, text: str, code: int = EXIT_FAILURE) -> None:
        super().__init__(text)
        self.code = code


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config PATH` as `args.config`."""
    parser.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="PATH",
        help="configuration file (default: %(default)s)",
    )


def default_state_dir() -> Path:
    """systemd's STATE_DIRECTORY where it is set, else DEFAULT_STATE_DIR."""
    # systemd separates several directories by colons
    first = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(first) if first else DEFAULT_STATE_DIR


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """`--state-dir PATH` as `args.state_dir`."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=default_state_dir(),
        metavar="PATH",
        help="directory of the store and the local socket (default: %(default)s)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json` as `args.json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")
