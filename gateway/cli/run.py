"""`smsc-gateway run`: the daemon in the foreground, as systemd and people at a terminal want it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from gateway.cli import (
    DEFAULT_CONFIG,
    EXIT_CONFIG,
    EXIT_FAILURE,
    EXIT_OK,
    EXIT_USAGE,
    CommandError,
    add_config,
    add_state_dir,
    default_state_dir,
)
from gateway.cli.loop import run_loop
from gateway.config.load import load
from gateway.config.model import Config
from gateway.config.problems import ConfigError
from gateway.core.events import Events
from gateway.crashes import leave_no_memory
from gateway.daemon import Daemon
from gateway.kinds import DaemonError
from gateway.ops.activation import inherited
from gateway.ops.journald import Journald
from gateway.reloading import ReloadError
from gateway.store.damage import damage_text
from gateway.store.sqlite_open import FILE_NAME, StoreError, StoreUnready

HELP = "Run the gateway in the foreground until SIGTERM or SIGINT; SIGHUP reloads the configuration."


def configure(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_state_dir(parser)
    parser.add_argument(
        "--demo",
        action="store_true",
        help="with a simulated SMSC on loopback, in ./run, and no configuration needed",
    )
    parser.add_argument(
        "--node",
        default="",
        metavar="NAME",
        help="what this node is called where several share a store (default: the option `node`)",
    )
    parser.epilog = (
        "examples:\n"
        "  smsc-gateway run --demo\n"
        "  smsc-gateway run --config config.yaml --state-dir state\n"
        "  smsc-gateway run --config config.yaml --state-dir state --node sms2\n\n"
        "exit codes: 0 stopped as asked, 1 failed, 78 bad configuration or damaged store"
    )


def run(args: argparse.Namespace) -> int:
    leave_no_memory()
    os.umask(0o077)  # the queue holds texts: its files are nobody else's
    if args.demo:
        if args.config != DEFAULT_CONFIG or args.state_dir != default_state_dir():
            raise CommandError(
                "--demo keeps its own configuration and queue in ./run: leave --config and --state-dir out",
                EXIT_USAGE,
            )
        from gateway.cli.demo import run_demo

        return run_demo()
    config = load(args.config)
    return run_loop(lambda: serve(config, args.config, args.state_dir, node=args.node))


async def serve(
    config: Config,
    path: Path,
    state_dir: Path,
    on_ready: Callable[[Daemon], None] | None = None,
    *,
    node: str = "",
) -> int:
    """A daemon from start to stop; the exit code."""
    events = Events(config.log.format, config.log.level, journal=Journald())
    daemon = Daemon(config, state_dir, events, inherited=inherited(), node=node)
    daemon.config_file = path
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(daemon.faults.handle)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.request_stop)
    reloads: set[asyncio.Task[None]] = set()

    def on_hangup() -> None:
        task = loop.create_task(_reload(daemon, path))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    try:
        await daemon.start()
    except StoreError as error:
        events.flush()
        code = EXIT_FAILURE if isinstance(error, StoreUnready) else EXIT_CONFIG
        raise CommandError(str(error), code) from error
    except (DaemonError, OSError) as error:
        events.flush()
        raise CommandError(str(error)) from error
    if on_ready is not None:
        on_ready(daemon)
    reason = await daemon.wait()
    await daemon.stop()
    if daemon.journal.damaged:  # systemd does not start it again: it would find the same
        raise CommandError(damage_text(state_dir / FILE_NAME, daemon.journal.error), EXIT_CONFIG)
    return EXIT_FAILURE if reason else EXIT_OK


async def _reload(daemon: Daemon, path: Path) -> None:
    """A file with mistakes changes nothing, which is told in the log: the running configuration stays."""
    from gateway.admin.recorder import Recorder

    entry = await Recorder(daemon).begin_signal("reload")
    last: dict[str, object] = {}
    try:
        await daemon.reloading.from_file(path)
    except ConfigError as error:
        last = {"problems": error.problems}
    except ReloadError as error:
        last = {"error": str(error)}
    if entry is not None:
        entry.end(last, None)
