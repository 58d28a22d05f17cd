"""`smsc-gateway check-config`: every mistake of a configuration, or a summary of it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace

from gateway.cli import EXIT_CONFIG, EXIT_OK, add_config, add_json
from gateway.config.load import load_with_places
from gateway.config.mail_model import IncomingRule
from gateway.config.model import Config, Route
from gateway.config.problems import ConfigError
from gateway.wiring import warnings_of

HELP = "Check a configuration, with the files and secrets it names, and print every mistake at once."


def configure(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--strict", action="store_true", help="warnings are mistakes: exit code 78")
    add_json(parser)
    parser.epilog = (
        "A mistake is printed as file:line:column: option: what is wrong – what to write.\n"
        "A warning is about what has no effect, or hardly the one that is meant: the gateway runs\n"
        "with it.\n\n"
        "exit codes: 0 no mistakes, 78 mistakes, or warnings with --strict"
    )


def run(args: argparse.Namespace) -> int:
    try:
        config, reading = load_with_places(args.config)
    except ConfigError as error:
        if not args.json:
            raise
        _print_json(ok=False, problems=[problem.as_dict() for problem in error.problems])
        return EXIT_CONFIG
    warnings = warnings_of(config, reading)
    is_bad = bool(warnings) and args.strict
    summary = _summary(config)
    if args.json:
        _print_json(ok=not is_bad, warnings=[warning.as_dict() for warning in warnings], **summary)
        return EXIT_CONFIG if is_bad else EXIT_OK
    for warning in warnings:
        sys.stderr.write(f"{replace(warning, text=f'warning: {warning.text}')}\n")
    if not is_bad:
        print("ok")
        for name, entries in summary.items():
            if entries:
                print(f"{name:<11} {len(entries):>5}  {', '.join(entries)}")
    return EXIT_CONFIG if is_bad else EXIT_OK


def _summary(config: Config) -> dict[str, list[str]]:
    listeners = config.listeners
    return {
        "listeners": [
            *(f"smpp {listener.address}" for listener in listeners.smpp),
            *(f"smtp {listener.address}" for listener in listeners.smtp),
            *(f"lmtp {listener.path}" for listener in listeners.lmtp),
            *(f"callbacks {listener.address}" for listener in listeners.callbacks),
            *(f"http {listener.address}" for listener in listeners.http),
            *([f"pages {config.web.address}"] if config.web is not None else []),
        ],
        "accounts": [account.system_id for account in config.accounts],
        "connectors": [
            *(f"{connector.name} {connector.address}" for connector in config.connectors),
            *(f"{connector.name} {connector.url}" for connector in config.smsc_connectors),
        ],
        "routes": [_route(route) for route in config.routes],
        "mail": list(config.mail.domains) if config.mail is not None else [],
        "incoming": [_incoming(rule) for rule in config.incoming],
    }


def _route(route: Route) -> str:
    prefixes = " and ".join(dict.fromkeys(filter(None, (route.prefix, *route.prefixes)))) or "*"
    way = "is refused" if route.refuse else f"to {' then '.join(route.connectors)}"
    return f"{route.name}: {prefixes} {way}" if route.name else f"{prefixes} {way}"


def _incoming(rule: IncomingRule) -> str:
    what = f"{rule.number or '*'} {rule.keyword}".rstrip()
    return f"{what} to {' and '.join(filter(None, (rule.account, *rule.mail)))}"


def _print_json(**values: object) -> None:
    json.dump(values, sys.stdout, ensure_ascii=False, indent=2)
    print()
