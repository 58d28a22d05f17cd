"""`smsc-gateway probe`: find out what a connector's SMSC wants, and print the profile that fits."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from dataclasses import asdict
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_config, add_json
from gateway.cli.probe_findings import Step
from gateway.cli.probe_session import ProbeError, ProbeSession
from gateway.cli.probe_steps import MESSAGES, Probe
from gateway.config import profiles
from gateway.config.connector_model import Connector
from gateway.config.load import load
from gateway.config.values import one_of
from gateway.translate.address_rules import by_rule
from protocols.sms import addresses

HELP = "Try out what a connector's SMSC can do and how it writes things, and print the profile that fits."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "It binds as the connector does, with its address, login, TLS and bind_mode, and sends about "
        f"{MESSAGES} real\nmessages to NUMBER, which should be a telephone of yours: they may cost money. "
        "The steps go to standard\nerror, the profile to standard output. Nothing is changed.\n"
        "exit codes: 0 done, 1 it cannot bind, or takes no message\n\n"
        "examples:\n"
        "  smsc-gateway probe --profiles                          profiles that the gateway brings\n"
        "  smsc-gateway probe operator --to 15550100\n"
        "  smsc-gateway probe operator --to 15550100 --yes > operator.yaml\n"
        "  (then, at the connector: profile: ./operator.yaml)"
    )
    parser.add_argument("connector", nargs="?", metavar="CONNECTOR", help="name of a connector")
    parser.add_argument("--to", metavar="NUMBER", help="destination of the messages, international digits")
    parser.add_argument(
        "--from",
        dest="sender",
        default="gateway",
        metavar="SENDER",
        help="default %(default)s",
    )
    parser.add_argument("--yes", action="store_true", help="send without asking first")
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="S",
        help="wait at most S seconds for an answer, and for all receipts (default %(default)s)",
    )
    parser.add_argument("--profiles", action="store_true", help="list the profiles that the gateway brings")
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the profile is printed, 1 when the SMSC cannot be probed."""
    if args.profiles:
        _print_profiles(as_json=args.json)
        return EXIT_OK
    if args.connector is None or args.to is None:
        raise CommandError("name a connector, and a number with --to; or ask for --profiles", EXIT_USAGE)
    if not args.timeout > 0:
        raise CommandError("--timeout must be above 0", EXIT_USAGE)
    connector = _connector(args)
    addressing = _addressing(connector, args.sender, args.to)
    _confirm(args, connector)
    steps: list[Step] = []

    def say(step: Step) -> None:
        steps.append(step)
        if not args.json:
            print(f"{step.name:<18} {step.answer:<12} {step.why}", file=sys.stderr, flush=True)

    def waits() -> None:
        if not args.json:
            print(f"(waiting for receipts, at most {args.timeout:g} s)", file=sys.stderr, flush=True)

    session = ProbeSession(connector, args.timeout)
    try:
        profile = Probe(session, addressing, say, waits).run()
    except ProbeError as error:
        raise CommandError(f"{connector.name}: {error}") from None
    finally:
        session.close()
    if args.json:
        _print_json(connector=connector.name, steps=[asdict(step) for step in steps], profile=profile)
    else:
        sys.stdout.write(_as_yaml(connector, profile))
    return EXIT_OK


def _connector(args: argparse.Namespace) -> Connector:
    config = load(args.config)
    for connector in config.connectors:
        if connector.name == args.connector:
            return connector
    if any(service.name == args.connector for service in config.smsc_connectors):
        raise CommandError(f"{args.connector} is a service over HTTP; only SMPP has profiles", EXIT_USAGE)
    names = tuple(connector.name for connector in config.connectors)
    known = f"give {one_of(names)}" if names else "the configuration has none"
    raise CommandError(f"there is no connector {args.connector}: {known}", EXIT_USAGE)


def _addressing(connector: Connector, sender: str, to: str) -> dict[str, Any]:
    """The address fields of submit_sm, as the connector's rules have them."""
    ton, npi = addresses.guess_source_ton_npi(sender)
    is_name = ton == addresses.TON_ALPHANUMERIC
    if is_name and not (sender.isascii() and addresses.is_alphanumeric_sender(sender)):
        raise CommandError(
            f"--from {sender!r} is neither a number nor at most 11 ASCII characters", EXIT_USAGE
        )
    digits = addresses.digits_of(to, addresses.TON_UNKNOWN)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise CommandError(f"--to {to!r} is not a number: give international digits", EXIT_USAGE)
    to_ton = addresses.TON_INTERNATIONAL if addresses.is_e164(digits) else addresses.TON_UNKNOWN
    source = by_rule(connector.source, ton, npi, addresses.digits_of(sender, ton))
    destination = by_rule(connector.destination, to_ton, addresses.NPI_ISDN, digits)
    names = ("source_addr_ton", "source_addr_npi", "source_addr")
    return {
        **dict(zip(names, source, strict=True)),
        **dict(zip(("dest_addr_ton", "dest_addr_npi", "destination_addr"), destination, strict=True)),
    }


def _confirm(args: argparse.Namespace, connector: Connector) -> None:
    """Asks before anything is sent that may cost money."""
    warning = (
        f"This sends about {MESSAGES} real messages to {args.to}, by {connector.name} ({connector.address})."
    )
    if args.yes:
        if not args.json:
            print(warning, file=sys.stderr)
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{warning} Give --yes if that is meant.", EXIT_USAGE)
    sys.stderr.write(f"{warning}\nThey may cost money. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was sent")


def _as_yaml(connector: Connector, profile: dict[str, Any]) -> str:
    """The profile as a file, or to be pasted into a connector."""
    head = f"# What smsc-gateway probe found at {connector.address}; the rest is as the defaults have it.\n"
    return head + profiles.written(profile)


def _print_profiles(*, as_json: bool) -> None:
    found = {name: profiles.described(name) for name in profiles.names()}
    if as_json:
        _print_json(
            profiles=[
                {"name": name, "about": about, "options": options} for name, (about, options) in found.items()
            ]
        )
        return
    for name, (about, options) in found.items():
        print(f"{name}: {about}")
        print(textwrap.indent(profiles.written(options), "  "), end="")


def _print_json(**values: object) -> None:
    json.dump(values, sys.stdout, ensure_ascii=False, indent=2)
    print()
