"""`smsc-gateway simulate`: the simulated SMSC for any SMPP client, and the simulated service over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import Field, asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.cli import EXIT_OK, EXIT_USAGE, CommandError, add_json
from gateway.cli.loop import run_loop
from gateway.ops.listening import why_not_listening
from gateway.simulator import Message, Simulator, SimulatorSettings
from gateway.simulator.outcomes import magic_help
from gateway.simulator.settings import parse_address
from gateway.simulator.smsc_http.model import SentMessage
from gateway.simulator.smsc_http.outcomes import magic_help as http_magic_help
from gateway.simulator.smsc_http.settings import HttpSettings
from gateway.simulator.texts import Texts
from protocols.smpp import constants

HELP = (
    "Run a simulated SMSC over SMPP, HTTP or both, with delays, faults and magic destinations, until Ctrl-C."
)

_LISTEN = "127.0.0.1:2776"
_HTTP = "http_"

Show = Callable[[dict[str, Any]], None]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add one option per field of SimulatorSettings, and `--http-…` per field of HttpSettings."""
    parser.epilog = (
        f"Magic destinations over SMPP, by their last digits:\n{magic_help()}\n  others delivered\n\n"
        f"Magic destinations over HTTP:\n{http_magic_help()}\n  others delivered\n\n"
        "Examples:\n"
        "  smsc-gateway simulate --listen 127.0.0.1:2776 --receipt-delay-ms 500 --throttle-pct 1\n"
        "  smsc-gateway simulate --without query_sm,cancel_sm,replace_sm --rate 30 --congestion load\n"
        "  smsc-gateway simulate --http 127.0.0.1:8080 --http-login demo --http-password-file FILE\n"
        "  smsc-gateway simulate --http 127.0.0.1:8080 --http-faults send.timeout=1%,status.http_500=/50\n"
        "  smsc-gateway simulate --http 127.0.0.1:8080 "
        "--http-handler 'http://127.0.0.1:8081/smsc/demo?charset=utf-8'\n"
        "  curl 'http://127.0.0.1:8080/sys/send.php?login=demo&psw=x&phones=79990000001&mes=Hello&fmt=3'"
    )
    parser.add_argument(
        "--listen",
        default=_LISTEN,
        metavar="HOST:PORT",
        help="SMPP, default %(default)s; with --http alone there is none",
    )
    parser.add_argument("--http", metavar="HOST:PORT", help="serve the service over HTTP there")
    for option in fields(SimulatorSettings):
        _add_option(parser, option)
    group = parser.add_argument_group("options of the service over HTTP")
    for option in fields(HttpSettings):
        _add_option(group, option, _HTTP)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    # the default itself, not the same words given on the command line
    over_smpp = not args.http or args.listen is not _LISTEN
    try:
        smpp_at = parse_address("--listen", args.listen) if over_smpp else None
        http_at = parse_address("--http", args.http) if args.http else None
        settings = _settings(args, SimulatorSettings)
        http_settings = _settings(args, HttpSettings, _HTTP)
    except (ValueError, OSError) as error:
        raise CommandError(str(error), EXIT_USAGE) from None

    async def serve() -> int:
        async with AsyncExitStack() as stack:
            stop = asyncio.Event()
            show = _shower(stop)
            parts = []
            if smpp_at is not None:
                parts.append(await _smpp(stack, settings, smpp_at, show if args.json else None))
            if http_at is not None:
                parts.append(await _http(stack, http_settings, http_at, show if args.json else None))
            await _until_stopped(parts, stop, as_json=args.json)
        return EXIT_OK

    return run_loop(serve)


class _Part:
    """A simulator that runs: where, for whom, and its counters when it is over."""

    def __init__(self, name: str, address: str, who: str, counters: Callable[[], dict[str, object]]) -> None:
        self.name = name
        self.address = address
        self.line = f"simulated {'SMSC' if name == 'listen' else 'service'} on {address} for {who}"
        self.counters = counters


async def _smpp(
    stack: AsyncExitStack, settings: SimulatorSettings, at: tuple[str, int], show: Show | None
) -> _Part:
    simulator = Simulator(settings)
    if show is not None:
        texts = Texts(settings.data_coding_0)
        simulator.on_received = lambda message: show(_record(message, texts))
    await _start(simulator.start, at)
    stack.push_async_callback(simulator.close)
    shown_host = f"[{at[0]}]" if ":" in at[0] else at[0]
    who = "any system_id" if settings.system_id is None else f"system_id {settings.system_id}"
    return _Part("listen", f"{shown_host}:{simulator.port}", who, lambda: asdict(simulator.counters))


async def _http(
    stack: AsyncExitStack, settings: HttpSettings, at: tuple[str, int], show: Show | None
) -> _Part:
    from gateway.simulator.smsc_http.server import HttpSimulator  # loads aiohttp

    simulator = HttpSimulator(settings)
    if show is not None:
        simulator.on_received = lambda message: show(_http_record(message))
    await _start(simulator.start, at)
    stack.push_async_callback(simulator.close)
    who = "any login" if settings.login is None else f"login {settings.login}"
    return _Part("http", simulator.url, who, simulator.service.counters)


async def _start(start: Callable[[str, int], Any], at: tuple[str, int]) -> None:
    try:
        await start(*at)
    except OSError as error:
        where = f"[{at[0]}]" if ":" in at[0] else at[0]
        raise CommandError(f"cannot listen on {where}:{at[1]}: {why_not_listening(error)}") from None


async def _until_stopped(parts: list[_Part], stop: asyncio.Event, *, as_json: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if as_json:
        _print_json({"event": "ready", **{part.name: part.address for part in parts}})
    else:
        print(f"{' and '.join(part.line for part in parts)}; Ctrl-C ends it", flush=True)
    await stop.wait()
    for part in parts:
        counters = part.counters()
        if as_json:
            over = {"over": "http"} if part.name == "http" else {}
            _print_json({"event": "summary", **over, **counters})
        else:
            print(
                ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counters.items()), flush=True
            )


def _shower(stop: asyncio.Event) -> Show:
    def show(record: dict[str, Any]) -> None:
        try:
            _print_json(record)
        except BrokenPipeError:  # nobody reads any more: the summary will tell the frame so
            stop.set()

    return show


def _record(message: Message, texts: Texts) -> dict[str, Any]:
    text = texts.decode(message.text, message.data_coding, len(message.udh))
    return {
        "event": "received",
        "at": _at(message.at),
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


def _http_record(message: SentMessage) -> dict[str, Any]:
    return {
        "event": "received",
        "at": _at(message.sent_at),
        "id": message.id,
        "phone": message.phone,
        "text": message.text,
        "sender": message.sender,
        "type": message.type,
        "parts": message.parts,
        "comment": message.comment,
        "status": message.status,
        "err": message.err,
        "extra": message.extra or {},
    }


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _print_json(record: dict[str, Any]) -> None:
    print(json.dumps(record, ensure_ascii=False), flush=True)


def _add_option(parser: argparse._ActionsContainer, option: Field[Any], prefix: str = "") -> None:
    flag = "--" + (prefix + option.name).replace("_", "-")
    doc = option.metadata["doc"].replace("%", "%%")
    if option.metadata.get("secret") or option.metadata.get("file"):
        held = f"the {option.name.replace('_', ' ')}" if option.metadata.get("file") else doc
        parser.add_argument(f"{flag}-file", type=Path, metavar="FILE", help=f"file that holds {held}")
        if option.metadata.get("secret"):
            return
    if isinstance(option.default, bool):
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


def _settings(args: argparse.Namespace, kind: type[Any], prefix: str = "") -> Any:
    values = {}
    for option in fields(kind):
        name = prefix + option.name
        if not option.metadata.get("secret"):
            values[option.name] = getattr(args, name)
        path: Path | None = getattr(args, f"{name}_file", None)
        if path is not None:
            values[option.name] = path.read_text().rstrip("\r\n")
    return kind(**values)


def _status(text: str) -> int:
    """A command_status from its name or number."""
    number = getattr(constants, text, None) if text.startswith("ESME_R") else int(text, 0)
    if not isinstance(number, int):
        raise argparse.ArgumentTypeError(f"{text} is no command_status: give a name such as ESME_RSYSERR")
    return number
