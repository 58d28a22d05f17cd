"""`smsc-gateway check-config`: every mistake of a configuration, or a summary of it."""

from __future__ import annotations

import argparse
import json
import sys

from gateway.cli import EXIT_CONFIG, EXIT_OK, add_config, add_json
from gateway.config.load import load
from gateway.config.mail_model import IncomingRule
from gateway.config.model import Config
from gateway.config.problems import ConfigError

HELP = "Check a configuration, with the files and secrets it names, and print every mistake at once."


def configure(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_json(parser)
    parser.epilog = (
        "A mistake is printed as file:line:column: option: what is wrong – what to write.\n"
        "exit codes: 0 no mistakes, 78 mistakes"
    )


def run(args: argparse.Namespace) -> int:
    try:
        config = load(args.config)
    except ConfigError as error:
        if not args.json:
            raise
        _print_json(ok=False, problems=[problem.as_dict() for problem in error.problems])
        return EXIT_CONFIG
    summary = _summary(config)
    if args.json:
        _print_json(ok=True, **summary)
    else:
        print("ok")
        for name, entries in summary.items():
            if entries:
                print(f"{name:<11} {len(entries):>5}  {', '.join(entries)}")
    return EXIT_OK


def _summary(config: Config) -> dict[str, list[str]]:
    listeners = config.listeners
    return {
        "listeners": [
            *(f"smpp {listener.address}" for listener in listeners.smpp),
            *(f"smtp {listener.address}" for listener in listeners.smtp),
            *(f"lmtp {listener.path}" for listener in listeners.lmtp),
            *(f"callbacks {listener.address}" for listener in listeners.callbacks),
        ],
        "accounts": [account.system_id for account in config.accounts],
        "connectors": [
            *(f"{connector.name} {connector.address}" for connector in config.connectors),
            *(f"{connector.name} {connector.url}" for connector in config.smsc_connectors),
        ],
        "routes": [f"{route.prefix or '*'} to {' then '.join(route.connectors)}" for route in config.routes],
        "mail": list(config.mail.domains) if config.mail is not None else [],
        "incoming": [_incoming(rule) for rule in config.incoming],
    }


def _incoming(rule: IncomingRule) -> str:
    what = f"{rule.number or '*'} {rule.keyword}".rstrip()
    return f"{what} to {' and '.join(filter(None, (rule.account, *rule.mail)))}"


def _print_json(**values: object) -> None:
    json.dump(values, sys.stdout, ensure_ascii=False, indent=2)
    print()
