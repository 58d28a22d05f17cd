"""`smsc-gateway simulate`: the simulated SMSC for any SMPP client."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from dataclasses import Field, asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json
from gateway.cli.loop import run_loop
from gateway.ops.listening import why_not_listening
from gateway.simulator import Message, Simulator, SimulatorSettings
from gateway.simulator.outcomes import magic_help
from protocols.smpp import constants
from protocols.sms import alphabet

HELP = "Run a simulated SMSC over SMPP, with delays, faults and magic destinations, until Ctrl-C."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add one option per field of SimulatorSettings."""
    parser.epilog = (
        f"Magic destinations, by their last digits:\n{magic_help()}\n  others delivered\n\n"
        "Example: smsc-gateway simulate --listen 127.0.0.1:2776 --receipt-delay-ms 500 --throttle-pct 1"
    )
    parser.add_argument("--listen", default="127.0.0.1:2776", metavar="HOST:PORT", help="default %(default)s")
    for option in fields(SimulatorSettings):
        _add_option(parser, option)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        host, port = _address(args.listen)
        settings = _settings(args)
    except (ValueError, OSError) as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    try:
        return run_loop(lambda: _serve(settings, host, port, args.json))
    except OSError as error:
        raise CommandError(f"cannot listen on {args.listen}: {why_not_listening(error)}") from None


async def _serve(settings: SimulatorSettings, host: str, port: int, as_json: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def show(message: Message) -> None:
        try:
            _print_json(_record(message))
        except BrokenPipeError:  # nobody reads any more: the summary will tell the frame so
            stop.set()

    simulator = Simulator(settings)
    if as_json:
        simulator.on_received = show
    await simulator.start(host, port)
    shown_host = f"[{host}]" if ":" in host else host
    address = f"{shown_host}:{simulator.port}"
    if as_json:
        _print_json({"event": "ready", "listen": address})
    else:
        who = "any system_id" if settings.system_id is None else f"system_id {settings.system_id}"
        print(f"simulated SMSC on {address} for {who}; Ctrl-C ends it", flush=True)
    await stop.wait()
    await simulator.close()
    counters = asdict(simulator.counters)
    if as_json:
        _print_json({"event": "summary", **counters})
    else:
        print(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counters.items()), flush=True)
    return EXIT_OK


def _record(message: Message) -> dict[str, Any]:
    text = alphabet.decode(message.text, alphabet.for_data_coding(message.data_coding))
    return {
        "event": "received",
        "at": datetime.fromtimestamp(message.at, UTC).isoformat(timespec="milliseconds"),
        "system_id": message.system_id,
        "source": message.source,
        "destination": message.destination,
        "data_coding": message.data_coding,
        "esm_class": message.esm_class,
        "udh": message.udh.hex(),
        "octets": message.text.hex(),
        "text": text,
        "status": None if message.status is None else constants.status_name(message.status),
        "message_id": message.message_id,
    }


def _print_json(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)


def _add_option(parser: argparse.ArgumentParser, option: Field[Any]) -> None:
    flag = "--" + option.name.replace("_", "-")
    doc = option.metadata["doc"].replace("%", "%%")
    if option.metadata.get("secret"):
        parser.add_argument(f"{flag}-file", type=Path, metavar="FILE", help=f"file that holds {doc}")
    elif isinstance(option.default, bool):
        action = argparse.BooleanOptionalAction if option.default else "store_true"
        parser.add_argument(flag, action=action, default=option.default, help=doc)
    else:
        default: Any = option.default
        is_status = option.metadata.get("parse") == "status"
        shown = constants.status_name(default) if is_status else _shown(default)
        parse = _status if is_status else str if default is None else type(default)
        parser.add_argument(
            flag,
            type=parse,
            default=default,
            choices=option.metadata.get("choices"),
            metavar=None if "choices" in option.metadata else option.name.rpartition("_")[2].upper(),
            help=f"{doc} (default {shown})" if shown else doc,
        )


def _shown(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else "" if default is None else str(default)


def _settings(args: argparse.Namespace) -> SimulatorSettings:
    values = {}
    for option in fields(SimulatorSettings):
        if not option.metadata.get("secret"):
            values[option.name] = getattr(args, option.name)
        elif (path := getattr(args, f"{option.name}_file")) is not None:
            values[option.name] = path.read_text().rstrip("\r\n")
    return SimulatorSettings(**values)


def _status(text: str) -> int:
    """A command_status from its name or number."""
    number = getattr(constants, text, None) if text.startswith("ESME_R") else int(text, 0)
    if not isinstance(number, int):
        raise argparse.ArgumentTypeError(f"{text} is no command_status: give a name such as ESME_RSYSERR")
    return number


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise ValueError(f"--listen {text} is no HOST:PORT")
    return host.strip("[]"), int(port)
